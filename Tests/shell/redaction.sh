# shellcheck shell=bash
# C4, C6, C7: categories and messages of errors, and what redaction leaves of texts.

# with_extended on|off: a manifest of the tool t.
with_extended() {
    enable t
    printf 'tool: {name: t}\nextended_collection: %s\n' "$1" >t.yaml
    export TELEMETRY_MANIFEST=$PWD/t.yaml
}

attribute() {
    enable t
    telemetry track x --tool t --property 'url=https://bob:pw@host/' --property password=hunter2 --property n:int=5
    expect_json "$(events t)" 'j["metadata"]' "{'url': 'https://[redacted]@host/', 'password': '[redacted]', 'n': 5}"
    telemetry status --tool t --json >report
    expect_json report 'j["events"]["redacted"], j["events"]["adjusted"]' '(1, 0)'
}
test_case "C7 properties are redacted and counted" attribute

error_event() {
    with_extended "$1"
    printf 'cannot open /home/alice/x: token=abc' | telemetry track import --error-category data --error -
    expect_json "$(events t)" 'j["type"], j["name"], j["error_category"], j.get("error")' "$2"
}
test_case "C4 C6 an error event, extended off" error_event false "('command.error', 'import', 'data', None)"
test_case "C4 C7 an error event, extended on" error_event true \
    "('command.error', 'import', 'data', 'cannot open ~/x: token=[redacted]')"

error_with_nul() {
    with_extended true
    printf 'x\0y' | telemetry track import --error -
    expect_json "$(events t)" 'j["error"]' "x y"
}
test_case "C4 a NUL does not end the error that is read from standard input" error_with_nul

command_error() {
    with_extended true
    telemetry command build --duration-ms 5 --exit-code 1 --error-category network --error 'to bob@example.com'
    expect_json "$(events t)" 'j["type"], j["exit_code"], j["error_category"], j["error"]' \
        "('command.invocation', 1, 'network', 'to [email]')"
}
test_case "C4 a command's category and message" command_error

# Of a command that has run, the arguments are told one by one.
told_arguments() {
    with_extended "$1"
    telemetry command build --duration-ms 5 --exit-code 0 --argument --password --argument=hunter2 --argument '' --argument /home/alice/x
    expect_json "$(events t)" 'j["name"], j.get("args")' "$2"
    ! grep -r hunter2 "$HOME" || fail "the secret is on this machine"
    capture telemetry command --argument x -- true
    expect_code 2
    expect_part err "--argument is for a command that has run"
    capture telemetry command build --duration-ms 5 --exit-code 0 --argument
    expect_code 2
}
test_case "C6 arguments of a command that has run, extended off" told_arguments false "('build', None)"
test_case "C6 C7 arguments of a command that has run, extended on" told_arguments true \
    "('build', ['--password', '[redacted]', '', '~/x'])"

category_of_exit_code() {
    enable t
    telemetry command build --tool t --duration-ms 5 --exit-code "$1"
    expect_json "$(events t)" 'j.get("error_category")' "$2"
}
test_case "C4 exit code 0 has no category" category_of_exit_code 0 None
test_case "C4 exit code 126 is permission" category_of_exit_code 126 permission

wrapped() {
    with_extended "$1"
    code=0
    telemetry command -- sh -c 'exit 3' sh --password hunter2 /home/alice/x || code=$?
    expect_code 3
    expect_json "$(events t)" 'j.get("args"), j["error_category"]' "$2"
}
test_case "B5 C6 a wrapped program's arguments, extended off" wrapped false "(None, 'unknown')"
test_case "B5 C7 a wrapped program's arguments, extended on" wrapped true \
    "(['-c', 'exit 3', 'sh', '--password', '[redacted]', '~/x'], 'unknown')"

mistake() {
    enable t
    capture telemetry "${@:2}" --tool t
    expect_code 2
    expect_part err "$1"
    [ "$(event_count t)" = 0 ] || fail "recorded"
}
test_case "C4 an unknown category is refused" mistake "needs one of usage, auth" track x --error-category oops
test_case "C4 a message is no other type's" mistake "command.error" track x --type update.check --error-category data
test_case "C4 a wrapped command has no message yet" mistake "has run already" command x --error-category data -- true
test_case "C4 one standard input for one thing" mistake "cannot both" track x --error - --properties - </dev/null
