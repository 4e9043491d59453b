#!/bin/sh
# What a script does, as the spans of one trace: what took how long, and below what. Try it:
#
#     telemetry enable --tool release
#     examples/shell/08-spans.sh
#     cat ~/.local/state/telemetry/release/spans/spans.jsonl
#
# Started by a CI system or another tool that sets TRACEPARENT, it is a part of their trace.
set -u

binding=$(dirname "$0")/../../bindings/shell/telemetry.sh # of the source tree
[ -r "$binding" ] || binding=/usr/share/telemetry/telemetry.sh
# shellcheck source=bindings/shell/telemetry.sh
. "$binding"
TELEMETRY_TOOL=release

# A function. The span of the program in it is below the function's span.
pack() {
    telemetry_span sort sort -r <<'END'
a
b
END
    telemetry_span_event packed --attribute files:int=2
}

# A function that fails: its span has the status error.
upload() { return 3; }

telemetry_span_begin release --attribute channel=beta
telemetry_span pack pack
telemetry_span upload upload || echo "upload failed with $?"
telemetry_span_end 0
