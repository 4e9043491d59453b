#!/bin/sh
# Record how a command went: its duration and its exit code, never its arguments. Three ways.
#
#     telemetry enable --tool builder
#     examples/shell/02-wrap.sh
#     telemetry status --tool builder
set -u

binding=$(dirname "$0")/../../bindings/shell/telemetry.sh # of the source tree
[ -r "$binding" ] || binding=/usr/share/telemetry/telemetry.sh
# shellcheck source=bindings/shell/telemetry.sh
. "$binding"
TELEMETRY_TOOL=builder

# 1. A program, with only a few words before it.
telemetry_run sort -r <<'END'
a
b
END

# 2. A function of this script; its exit code is passed on.
check() { [ -e "$1" ]; }
telemetry_run check /nonexistent || echo "check failed with $?"

# 3. The part between two points.
telemetry_command_begin configure
sleep 0.1
telemetry_command_end $? --property steps:int=1
