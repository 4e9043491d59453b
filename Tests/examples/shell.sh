# shellcheck shell=bash
# examples/shell: run as a reader would.

example_track() {
    telemetry enable --tool greeter --quiet
    capture sh "$root/examples/shell/01-track.sh" World
    expect_code 0
    expect_silent err
    expect_text out "Hello, World!"
    expect_json "$(events greeter)" 'j["name"], j["metadata"]' "('greet', {'name_length': 5, 'named': True})"
}
test_case "I examples/shell/01-track.sh" example_track

example_wrap() {
    telemetry enable --tool builder --quiet
    capture sh "$root/examples/shell/02-wrap.sh"
    expect_code 0
    expect_silent err
    expect_equal "$(tr '\n' ' ' <out)" "b a check failed with 1 "
    expect_equal "$(python3 -c 'import json, sys
print([(e["name"], e["exit_code"]) for e in map(json.loads, open(sys.argv[1]))])' "$(events builder)")" \
        "[('sort', 0), ('check', 1), ('configure', 0)]"
}
test_case "I examples/shell/02-wrap.sh" example_wrap

example_demo() {
    capture sh "$root/examples/shell/demo.sh"
    expect_code 0
    cp out off
    telemetry enable --tool demo --quiet
    capture sh "$root/examples/shell/demo.sh"
    expect_code 0
    expect_silent err
    cmp out off
    expect_equal "$(event_count demo)" 5
}
test_case "I examples/shell/demo.sh, the same with telemetry on and off" example_demo
