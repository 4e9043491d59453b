#!/bin/sh
# Record that a feature was used. Try it:
#
#     telemetry enable --tool greeter
#     examples/shell/01-track.sh World
#     telemetry status --tool greeter
set -eu

binding=$(dirname "$0")/../../bindings/shell/telemetry.sh # of the source tree
[ -r "$binding" ] || binding=/usr/share/telemetry/telemetry.sh
# shellcheck source=bindings/shell/telemetry.sh
. "$binding"
TELEMETRY_TOOL=greeter

name=${1:-you}
echo "Hello, $name!"

# The name is private. Its length may be recorded.
telemetry_track greet --property "name_length:int=${#name}" --property named:bool="$([ $# -gt 0 ] && echo true || echo false)"
