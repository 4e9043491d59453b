#!/bin/sh
# Record that a feature was used. Try it:
#
#     telemetry enable --tool greeter
#     examples/shell/01-track.sh World
#     telemetry status --tool greeter
set -eu

here=$(dirname "$0")
# shellcheck source=bindings/shell/telemetry.sh
. "${TELEMETRY_SH:-$here/../../bindings/shell/telemetry.sh}"
TELEMETRY_TOOL=greeter

name=${1:-you}
echo "Hello, $name!"

# Who was greeted is nobody's business; how long the name was may be.
telemetry_track greet --property "name_length:int=${#name}" --property named:bool="$([ $# -gt 0 ] && echo true || echo false)"
