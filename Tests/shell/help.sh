# shellcheck shell=bash
# Help and version: on standard output, exit code 0, nothing on standard error.

help_of() {
    capture telemetry "$1" --help
    expect_code 0
    expect_silent err
    expect_part out "Usage: telemetry $1"
    expect_part out "Global options:"
    cp out first
    for form in "--help $1" "help $1" "$1 -h" "$1 --tool t --help"; do
        # shellcheck disable=SC2086
        capture telemetry $form
        expect_code 0
        cmp out first
    done
    [ -z "$(home_tree)" ]
}
for command in track command flush deliver show export status explain enable disable prompt machine-id request-deletion reset doctor manifest version help; do
    test_case "B $command --help" help_of $command
done

overview() {
    capture telemetry --help
    expect_code 0
    expect_silent err
    for command in track command flush deliver show export status explain enable disable prompt machine-id request-deletion reset doctor manifest version help; do
        grep -q "^  $command  " out || fail "$command is missing"
    done
    cp out first
    telemetry help | cmp - first
    telemetry -h | cmp - first
}
test_case "B --help lists every command" overview

version() {
    expect_equal "$(telemetry version)" "telemetry 0.1.0"
    expect_equal "$(telemetry --version)" "telemetry 0.1.0"
    expect_equal "$(telemetry version --json)" '{"version": "0.1.0"}'
}
test_case "B version" version

documented() {
    local command option seen=0
    for command in track command flush deliver show export status explain enable disable prompt machine-id request-deletion reset doctor manifest version help; do
        grep -q "telemetry $command" "$root/docs/cli.md" || fail "$command is not in docs/cli.md"
        for option in $(telemetry "$command" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
            grep -qF -- "$option" "$root/docs/cli.md" || fail "$option is not in docs/cli.md"
            seen=$((seen + 1))
        done
    done
    [ $seen -gt 80 ]
}
test_case "B docs/cli.md names every command and option" documented

output_full() {
    capture bash -c 'telemetry --help >/dev/full'
    expect_code 5
    expect_text err "telemetry: cannot write to standard output: No space left on device"
}
test_case "B exit code 5 when the answer cannot be written" output_full
