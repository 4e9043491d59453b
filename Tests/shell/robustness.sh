# shellcheck shell=bash
# A script never fails because of telemetry.

# survives COMMAND_PREFIX...: all recording commands in a hostile place, telemetry switched on.
survives() {
    local command
    for command in "track x" "command x --duration-ms 1 --exit-code 0" "command -- true"; do
        # shellcheck disable=SC2086
        capture env "$@" T_TELEMETRY_ENABLED=1 telemetry --tool t $command
        expect_code 0
        expect_silent out
        expect_silent err
    done
    capture env "$@" T_TELEMETRY_ENABLED=1 telemetry --tool t command -- sh -c 'exit 9'
    expect_code 9
    capture env "$@" T_TELEMETRY_ENABLED=1 telemetry --tool t status
    expect_code 0
}
test_case "E HOME unset" survives -u HOME
test_case "E HOME relative" survives HOME=here
test_case "E HOME does not exist and cannot be made" survives HOME=/proc/nonexistent
test_case "E HOME is a file" survives HOME=/dev/null

read_only_home() {
    mkdir -m 755 ro
    chmod 755 .. ../.. . || true
    chmod 755 "$HOME/.."
    chmod 555 ro
    local command
    for command in "track x" "command x --duration-ms 1 --exit-code 0" "command -- true" status flush; do
        # shellcheck disable=SC2086
        capture as_nobody env HOME="$PWD/ro" T_TELEMETRY_ENABLED=1 "$build/bin/telemetry" --tool t $command
        expect_code 0
        expect_silent err
    done
    [ -z "$(ls -A ro)" ]
    capture as_nobody env HOME="$PWD/ro" "$build/bin/telemetry" enable --tool t
    expect_code 5
    expect_part err "cannot store the preference ($PWD/ro/.config/telemetry/t/enabled): Permission denied"
}
test_case "E a read-only HOME" read_only_home

foreign_state_directory() {
    enable t
    mkdir -p "$HOME/.local/state/telemetry/t"
    chmod 777 "$HOME/.local/state/telemetry/t"
    capture telemetry track x --tool t
    expect_code 0
    expect_silent err
    expect_equal "$(find "$HOME/.local/state/telemetry/t" -type f ! -name events.jsonl)" ""
    chmod 700 "$HOME/.local/state/telemetry/t"
    telemetry track x --tool t
    [ -e "$HOME/.local/state/telemetry/t/control" ]
}
test_case "E a spool directory that others can write to is not used" foreign_state_directory

closed_streams() {
    enable t
    code=0
    telemetry track x --tool t <&- >&- 2>&- || code=$?
    : >err
    expect_code 0
    expect_equal "$(event_count t)" 1
    grep -q '"name":"x"' "$(events t)"
}
test_case "E standard streams closed" closed_streams

odd_arguments() {
    enable t
    telemetry track x --tool t --property $'k=\xff\xfe' --property "$(printf 'l=%05000d' 0)"
    expect_json "$(events t)" 'len(j["metadata"]["l"]) <= 1024, "\ufffd" in j["metadata"]["k"]' "(True, True)"
}
test_case "C9 invalid UTF-8 is replaced and long values are cut" odd_arguments

strict_script() {
    enable t
    cat >script <<'S'
#!/bin/sh
set -eu
telemetry track a --tool t
telemetry track a --tool t --no-telemetry
DO_NOT_TRACK=1 telemetry track a --tool t
T_TELEMETRY_ENABLED=0 telemetry command b --tool t --duration-ms 1 --exit-code 1
telemetry flush --tool t
echo end
S
    sh script >out
    expect_text out end
    expect_equal "$(event_count t)" 1
}
test_case "B a script under set -eu runs to its end" strict_script
