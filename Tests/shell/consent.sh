# shellcheck shell=bash
# Consent as the helper shows it. Each source alone, then who wins.

off_everywhere() {
    local command
    for command in "track x" "command x --duration-ms 1 --exit-code 0" "command -- true" flush deliver show status \
        "status --json" machine-id; do
        # shellcheck disable=SC2086
        strace -f -qq -e trace=%file,%network -o trace telemetry --tool t $command >out 2>err
        ! grep -qE 'O_CREAT|mkdir|socket|rename|unlink|link\(' trace || fail "$command: $(grep -E 'O_CREAT|mkdir|socket|rename|unlink|link\(' trace)"
        ! grep -qE 'lib(curl|yaml|md|z)[.-]' trace || fail "$command loads: $(grep -E 'lib(curl|yaml|md|z)[.-]' trace)"
    done
    [ -z "$(home_tree)" ] || fail "created: $(home_tree)"
    # The same look at a helper that is on sees a file made.
    enable t
    strace -f -qq -e trace=%file,%network -o trace telemetry --tool t track x
    grep -q O_CREAT trace
}
test_case "A1 opt-in by default: no file is created, no socket opened, no library loaded" off_everywhere

off_is_quiet() {
    for command in "track x" "command x --duration-ms 1 --exit-code 0" flush deliver "show --json" "command -- true"; do
        # shellcheck disable=SC2086
        capture telemetry --tool t $command
        expect_code 0
        expect_silent out
        expect_silent err
    done
    capture telemetry --tool t status
    expect_line out "telemetry:     off"
    expect_part out "decided by:    default: "
}
test_case "A1 off: exit code 0 and not a word" off_is_quiet

# counts N [VARIABLE=VALUE...] -- ARGUMENT...: events recorded by a track in that environment.
counts() {
    local expected=$1 settings=() before
    before=$(event_count my-tool)
    shift
    while [ "$1" != -- ]; do
        settings+=("$1")
        shift
    done
    shift
    capture env "${settings[@]}" telemetry --tool my-tool track x "$@"
    expect_code 0
    expect_silent out
    expect_equal "$(event_count my-tool)" "$((before + expected))"
}
# The same where an event is recorded without those settings.
enabled_counts() {
    enable my-tool
    telemetry --tool my-tool track x
    expect_equal "$(event_count my-tool)" 1
    counts "$@"
}
test_case "A3 --no-telemetry" enabled_counts 0 -- --no-telemetry
test_case "A3 --no-telemetry above A6" enabled_counts 0 MY_TOOL_TELEMETRY_ENABLED=1 -- --no-telemetry
for value in 1 true yes on anything TRUE; do
    test_case "A4 DO_NOT_TRACK=$value is off" enabled_counts 0 DO_NOT_TRACK=$value --
    test_case "A4 DO_NOT_TRACK=$value above A6" enabled_counts 0 DO_NOT_TRACK=$value MY_TOOL_TELEMETRY_ENABLED=1 --
done
for value in '' 0 false no off OFF; do
    test_case "A4 DO_NOT_TRACK='$value' says nothing" enabled_counts 1 "DO_NOT_TRACK=$value" --
done
for value in 0 false no off OFF '' maybe ' false'; do
    test_case "A4 TELEMETRY_ENABLED='$value' is off" enabled_counts 0 "TELEMETRY_ENABLED=$value" --
    test_case "A4 TELEMETRY_ENABLED='$value' above A6" enabled_counts 0 "TELEMETRY_ENABLED=$value" MY_TOOL_TELEMETRY_ENABLED=1 --
done
for value in 1 true yes on TRUE; do
    test_case "A4 TELEMETRY_ENABLED=$value says nothing" enabled_counts 1 TELEMETRY_ENABLED=$value --
    test_case "A4 TELEMETRY_ENABLED=$value turns nothing on" counts 0 TELEMETRY_ENABLED=$value --
done
for value in 1 true yes on On; do
    test_case "A5 MY_TOOL_NO_TELEMETRY=$value is off" enabled_counts 0 MY_TOOL_NO_TELEMETRY=$value MY_TOOL_TELEMETRY_ENABLED=1 --
    test_case "A6 MY_TOOL_TELEMETRY_ENABLED=$value is on" counts 1 MY_TOOL_TELEMETRY_ENABLED=$value --
done
for value in y 2 t disable '1 ' ' yes' ' o ff '; do
    test_case "A5 MY_TOOL_NO_TELEMETRY='$value' is off, too" enabled_counts 0 "MY_TOOL_NO_TELEMETRY=$value" MY_TOOL_TELEMETRY_ENABLED=1 --
done
for value in '' 0 false no oFF ' ' ' 0 '; do
    test_case "A5 MY_TOOL_NO_TELEMETRY='$value' says nothing" enabled_counts 1 "MY_TOOL_NO_TELEMETRY=$value" --
    test_case "A5 MY_TOOL_NO_TELEMETRY='$value' turns nothing on" counts 0 "MY_TOOL_NO_TELEMETRY=$value" --
done
for value in 0 false no off; do
    test_case "A6 MY_TOOL_TELEMETRY_ENABLED=$value is off" enabled_counts 0 MY_TOOL_TELEMETRY_ENABLED=$value --
done

malformed_variable() {
    enabled_counts 0 MY_TOOL_TELEMETRY_ENABLED=maybe --
    expect_part err MY_TOOL_TELEMETRY_ENABLED
    expect_equal "$(wc -l <err)" 1
    capture env MY_TOOL_TELEMETRY_ENABLED=maybe telemetry --tool my-tool --quiet track x
    expect_silent err
    MY_TOOL_TELEMETRY_ENABLED=maybe telemetry --tool my-tool status --json >out
    expect_json out 'j["enabled"], len(j["warnings"]), "MY_TOOL_TELEMETRY_ENABLED" in j["warnings"][0]' "(False, 1, True)"
}
test_case "A6 a malformed value is off, with a warning that names the variable" malformed_variable

round_trip() {
    local file=$HOME/.config/telemetry/t/enabled
    capture telemetry enable --tool t
    expect_code 0
    expect_part out "telemetry for t is on: "
    expect_text "$file" true
    expect_equal "$(stat -c '%a %s' "$file")" "600 5"
    telemetry track x --tool t
    expect_equal "$(event_count t)" 1
    capture telemetry disable --tool t
    expect_code 0
    expect_part out "telemetry for t is off: "
    expect_text "$file" false
    expect_equal "$(stat -c '%a %s' "$file")" "600 6"
    telemetry track x --tool t
    expect_equal "$(event_count t)" 1
    telemetry enable --tool t --quiet >out
    expect_silent out
    telemetry disable --tool t --json >out
    expect_json out 'j["tool"], j["enabled"]' "('t', False)"
    telemetry enable --tool other >/dev/null
    telemetry track x --tool t
    expect_equal "$(event_count t)" 1
}
test_case "A8 enable and disable: the preference file, and what follows from it" round_trip

checked() { # CODE [VARIABLE=VALUE]...: what status --check ends with
    local expected=$1
    shift
    capture env "$@" telemetry status --check --tool my-tool
    expect_code "$expected"
    expect_silent out
    expect_silent err
}
check_command() {
    checked 13
    [ -z "$(home_tree)" ] || fail "something was made"
    checked 0 MY_TOOL_TELEMETRY_ENABLED=1
    enable my-tool
    checked 0
    for variable in DO_NOT_TRACK=1 TELEMETRY_ENABLED=false MY_TOOL_NO_TELEMETRY=1 MY_TOOL_TELEMETRY_ENABLED=off OTEL_SDK_DISABLED=true; do checked 13 "$variable"; done
    telemetry disable --tool my-tool --quiet
    checked 13
    capture telemetry status --check --json --tool my-tool
    expect_code 13
    expect_silent out
}
test_case "A4 A5 A6 J8 status --check: an exit code, and not a word" check_command

no_tool() {
    for command in enable disable status; do
        capture telemetry $command --tool own.yaml
        [ "$code" -ne 0 ] || fail "$command takes own.yaml for a tool"
        [ -z "$(home_tree)" ] || fail "something was made: $(home_tree)"
    done
}
test_case "H14 own.yaml is the user's file, and no tool" no_tool

# A name that is mistyped says nothing about the tool that was meant.
mistyped() {
    note="note: nothing is known here of a tool 'my-tol': no manifest, no answer and no record; is the name right?"
    for command in enable disable; do
        capture telemetry $command --tool my-tol
        expect_code 0
        expect_line out "$note"
        capture telemetry $command --tool my-tol
        expect_no_part out "$note"
        rm -r "$HOME/.config/telemetry/my-tol"
        capture telemetry $command --tool my-tol --json
        expect_equal "$(wc -l <out)" 1
        expect_silent err
        rm -rf "$HOME/.config/telemetry/my-tol" "$HOME/.local/state/telemetry"
    done
    capture telemetry disable --tool my-tol --quiet
    expect_silent out
}
test_case "B1 enable and disable of a tool that nobody knows say so" mistyped

# unusable COMMAND...: makes the preference file unusable in some way.
unusable() {
    enable t
    (cd "$HOME/.config/telemetry/t" && "$@")
    capture telemetry track x --tool t
    expect_code 0
    expect_equal "$(event_count t)" 0
    expect_part err .config/telemetry/t/enabled
    telemetry status --tool t --json >out
    expect_json out 'j["enabled"], j["source"], len(j["warnings"])' "(False, 'preference file', 1)"
}
test_case "A8 garbage in the preference file: off, with a warning" unusable sh -c 'echo maybe >enabled'
test_case "A8 an empty preference file: off, with a warning" unusable sh -c ': >enabled'
test_case "A8 a directory in its place: off, with a warning" unusable sh -c 'rm enabled; mkdir enabled'
test_case "A8 a symbolic link in its place: off, with a warning" unusable sh -c 'mv enabled other; ln -s other enabled'
test_case "A8 a FIFO in its place: off, with a warning, at once" unusable sh -c 'rm enabled; mkfifo enabled'
if [ "$(id -u)" -eq 0 ]; then
    test_case "A8 a preference file of another user: off, with a warning" unusable chown 12345 enabled
fi

overruled() {
    DO_NOT_TRACK=1 telemetry enable --tool t >out
    expect_part out "telemetry for t is off: DO_NOT_TRACK"
    telemetry status --tool t --json >out
    expect_json out 'j["enabled"]' True
}
test_case "B1 enable says so when another source overrules it" overruled

withdrawal() {
    enable t
    dead_manifest t
    telemetry track canary-a18 --tool t --property p=canary-a18
    telemetry show --tool t --json >out
    expect_part out canary-a18
    telemetry disable --tool t >out
    telemetry show --tool t --json >out
    expect_silent out
    telemetry status --tool t --json >out
    expect_json out 'j["events"]["pending"], j["events"]["dropped_by_reason"]["withdrawn"]' "(0, 1)"
    # A deliverer at work at that moment included.
    ! grep -rF canary-a18 "$HOME/.local/state" || fail "still on disk"
    telemetry enable --tool t >out
    telemetry show --tool t --json >out
    expect_silent out
}
test_case "A18 disable erases what waits" withdrawal

disable_without_home() {
    HOME=/proc/nonexistent capture telemetry disable --tool t
    expect_code 5
    expect_part err "cannot store the preference"
}
test_case "A8 a preference that cannot be stored is an error, exit code 5" disable_without_home
