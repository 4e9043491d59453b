# shellcheck shell=bash
# H13: the examples of spans in the documents, as a careful script has them: under `set -euo pipefail`.

# Each example into a file of its own; curl is asked for nothing.
span_examples() { # DOCUMENT
    python3 - "$root/$1" "$root/bindings/shell" <<'P'
import re, sys
text = open(sys.argv[1]).read().replace("/usr/share/telemetry", sys.argv[2])
blocks = [block for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL) if re.search(r"telemetry[ _]span", block)]
assert len(blocks) >= 2, len(blocks)
for number, block in enumerate(blocks):
    open(f"example.{number}", "w").write("curl() { printf '%s\\n' \"$@\"; }\n" + block)
P
}

examples_pass() { # DOCUMENT [VARIABLE]...
    local example document=$1
    shift
    span_examples "$document"
    for example in example.*; do
        capture env "$@" bash -euo pipefail "$example"
        [ "$code" -eq 0 ] || fail "$code: $(cat "$example" err)"
        ! grep -q "unbound\|not open" err || fail "$(cat "$example" err)"
        expect_equal "$(open_spans mytool)" 0
    done
}

examples_on() {
    enable mytool
    examples_pass "$@"
    [ -s "$(span_directory mytool)/spans.jsonl" ] || fail "nothing is recorded"
}

for document in docs/cli.md docs/guide-shell.md docs/tracing.md; do
    test_case "H13 $document: examples of spans under set -euo pipefail, on" examples_on $document
    test_case "H13 $document: examples of spans under set -euo pipefail, off" examples_pass $document DO_NOT_TRACK=1
    test_case "H13 $document: examples of spans under set -euo pipefail, unanswered" examples_pass $document
    test_case "H13 $document: examples of spans under set -euo pipefail, in CI" examples_pass $document CI=true
    test_case "H13 $document: examples of spans under set -euo pipefail, agreed to in CI" examples_on $document CI=true MYTOOL_TELEMETRY_ENABLED=1
    # shellcheck disable=SC2016
    test_case "H13 $document: examples of spans under set -euo pipefail, off in a trace" examples_pass $document \
        DO_NOT_TRACK=1 TRACEPARENT="$a_parent" 'TRACESTATE=a=$(b)'
done
