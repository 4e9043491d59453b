# shellcheck shell=bash
# The user's answers: for one tool, for all of them, and what status says of them.

notice_manifest() { # TOOL VERSION [LINE...]
    mkdir -p "$HOME/.local/share/telemetry/tools"
    {
        printf 'tool: {name: %s}\nnotice: {version: "%s", collector: c, data: d, purpose: p}\n' "$1" "$2"
        shift 2
        printf '%s\n' "$@"
    } >"$HOME/.local/share/telemetry/tools/t.yaml"
}

all_tools() {
    local refusal=$HOME/.config/telemetry/_all/enabled tool
    for tool in one two; do
        enable $tool
        dead_manifest $tool
        telemetry track canary-all --tool $tool
    done
    capture telemetry disable --all
    expect_code 0
    expect_text out "telemetry is off for all tools, whatever was answered for one of them"
    expect_silent err
    expect_text "$refusal" false
    expect_equal "$(stat -c '%a %s' "$refusal")" "600 6"
    for tool in one two; do
        telemetry show --tool $tool --json >out
        expect_silent out
        telemetry status --tool $tool --json >out
        expect_json out 'j["enabled"], j["source"], j["preference"], j["events"]["pending"]' \
            "(False, 'all-tools preference', {'tool': 'on', 'all_tools': 'off'}, 0)"
        telemetry track x --tool $tool
        telemetry show --tool $tool --json >out
        expect_silent out
    done
    # A deliverer at work at that moment may still hold the file of a void event open, but none is left.
    ! grep -rF canary-all "$HOME/.local/state" || fail "still on disk"
    telemetry enable --all >out
    expect_part out "lifted; each tool's own answer counts"
    [ ! -e "$refusal" ] || fail "the refusal is still there"
    telemetry status --tool one --json >out
    expect_json out 'j["enabled"], j["preference"]["all_tools"]' "(True, 'none')"
    telemetry enable --all >out
    expect_part out "there was no refusal for all tools"
    telemetry status --tool three --json >out
    expect_json out 'j["enabled"], j["preference"]["tool"]' "(False, 'none')"
}
test_case "A8 disable --all refuses for every tool and erases every spool; enable --all agrees to none" all_tools

all_tools_alone() {
    capture telemetry enable --all
    expect_code 0
    expect_part out "there was no refusal for all tools"
    [ -z "$(home_tree)" ] || fail "created: $(home_tree)"
    capture telemetry disable --all --json
    expect_json out 'j' "{'all_tools': 'off', 'lifted': False}"
    capture telemetry enable --all --json
    expect_json out 'j' "{'all_tools': 'none', 'lifted': True}"
    # What an earlier version left in its place agrees to nothing, and is no refusal.
    echo true >"$HOME/.config/telemetry/_all/enabled"
    capture telemetry enable --all --json
    expect_json out 'j' "{'all_tools': 'none', 'lifted': False}"
    expect_equal "$(ls -A "$HOME/.config/telemetry/_all")" ""
    capture telemetry disable --all --quiet
    expect_silent out
    capture telemetry disable --all --tool t
    expect_code 2
    HOME=/proc/nonexistent capture telemetry disable --all
    expect_code 5
    expect_part err "cannot store the preference"
}
test_case "A8 --all: nothing made for nothing, JSON, --quiet, usage, no home" all_tools_alone

enable_overruled() {
    telemetry disable --all >out
    capture telemetry enable --tool t
    expect_code 0
    expect_part out "telemetry for t is off: "
    expect_part out "the answer is stored, but overruled until 'telemetry enable --all'"
    expect_text "$HOME/.config/telemetry/t/enabled" true
    telemetry enable --tool t --json >out
    expect_json out 'j["enabled"], j["overruled"]' "(False, True)"
    telemetry status --tool t >out
    expect_line out "answer:        on, overruled"
    expect_line out "for all tools: off"
    telemetry enable --all >out
    telemetry status --tool t >out
    expect_line out "answer:        on"
    DO_NOT_TRACK=1 telemetry enable --tool t >out
    expect_part out "the answer is stored, but overruled"
    expect_no_part out "--all"
}
test_case "A8 enable under a refusal for all tools: stored, and by what it is overruled" enable_overruled

disable_overruled() {
    notice_manifest t 1 'force: true'
    capture telemetry disable --tool t
    expect_code 6
    expect_silent out
    expect_part err "the answer is stored, but telemetry for t stays on: force: "
    expect_text "$HOME/.config/telemetry/t/enabled" false
    MYTOOL_TELEMETRY_ENABLED=1 capture telemetry disable --tool mytool
    expect_code 6
    expect_part err "TELEMETRY_ENABLED variable"
    telemetry disable --tool mytool --json >out
    expect_json out 'j["enabled"], j["overruled"]' "(False, False)"
}
test_case "A12 disable under force: stored, said so, exit code 6" disable_overruled

# No claim that telemetry is off where it is not.
others_overruled() {
    enable one
    enable two
    ONE_TELEMETRY_ENABLED=1 capture telemetry disable --all
    expect_code 6
    expect_silent out
    expect_part err "the refusal is stored, but telemetry stays on for one ('telemetry explain --tool NAME' says why)"
    ONE_TELEMETRY_ENABLED=1 capture telemetry disable --all --json
    expect_code 6
    expect_json out 'j["all_tools"]' off
    capture telemetry disable --all
    expect_code 0
    DO_NOT_TRACK=1 capture telemetry enable --tool one
    expect_part out "overruled"
    ! grep -F "enable --all" out || fail "lifting that refusal would change nothing"
    telemetry enable --all >out
    notice_manifest t 1 'force: true'
    capture telemetry reset --tool t
    expect_code 6
    ! grep -F "is off" out || fail "$(cat out)"
    expect_part err "the answer is stored, but telemetry for t stays on: force: "
    capture telemetry reset --tool t --json
    expect_json out 'j["enabled"], j["erased"]' "(True, True)"
    telemetry manifest docs --tool t >out
    expect_part out "collected by the author's decision, whatever you have answered"
    ! grep -F "telemetry disable" out || fail "disable does not stop it"
}
test_case "A8 A12 disable --all and reset say which telemetry stays on" others_overruled

enable_stores_notice() {
    local notice=$HOME/.config/telemetry/t/notice
    telemetry status --tool t --json >out
    expect_json out 'j["notice"]' "{'state': 'not shown', 'version': None, 'shown_version': None}"
    telemetry enable --tool t >out
    [ ! -e "$notice" ] || fail "a notice is stored that the tool does not have"
    notice_manifest t 7
    telemetry status --tool t --json >out
    expect_json out 'j["notice"]["state"], j["notice"]["version"]' "('not shown', '7')"
    telemetry enable --tool t >out
    expect_text "$notice" 7
    telemetry status --tool t --json >out
    expect_json out 'j["enabled"], j["notice"]["state"]' "(True, 'shown')"
    notice_manifest t 8
    telemetry status --tool t --json >out
    expect_json out 'j["enabled"], j["source"], j["notice"]' \
        "(False, 'preference file', {'state': 'changed', 'version': '8', 'shown_version': '7'})"
    telemetry status --tool t >out
    expect_part out "version 8; version 7 was shown"
    telemetry enable --tool t >out
    expect_part out "telemetry for t is on"
    expect_text "$notice" 8
}
test_case "A13 enable stores the notice's version; a yes to another one does not count" enable_stores_notice

warned_once() {
    local command
    enable t
    notice_manifest t 1 'config: {file: tool.yaml, key: telemetry}'
    echo 'telemetry: false' >"$HOME/.config/tool.yaml"
    for command in "track x" "command x --duration-ms 1 --exit-code 0" "command -- true" flush deliver machine-id enable prompt; do
        # shellcheck disable=SC2086
        capture telemetry --tool t $command
        expect_code 0
        expect_equal "$(grep -c tool.yaml err)" 1
        # shellcheck disable=SC2086
        capture telemetry --tool t --quiet $command
        expect_silent err
    done
    capture telemetry --tool t status
    expect_equal "$(grep -c tool.yaml out)" 1
    expect_silent err
}
test_case "A15 preference against config: one warning on standard error, once, silenced by --quiet" warned_once

prompt_is_silent() {
    capture telemetry prompt --tool t
    expect_code 0
    expect_silent out
    expect_silent err
    [ -z "$(home_tree)" ] || fail "created: $(home_tree)"
    notice_manifest t 1 'nonsense: 1'
    capture telemetry prompt --tool t
    expect_code 3
    expect_silent out
}
test_case "A13 prompt without a terminal: nothing is said, nothing made" prompt_is_silent
