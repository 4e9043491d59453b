#!/bin/sh
# Record how a script ends, whichever way: at its end, by an error, by Ctrl-C or another signal. One line does it.
#
#     telemetry enable --tool nightly
#     examples/shell/05-signals.sh             and Ctrl-C
#     telemetry status --tool nightly
set -eu

binding=$(dirname "$0")/../../bindings/shell/telemetry.sh # of the source tree
[ -r "$binding" ] || binding=/usr/share/telemetry/telemetry.sh
# shellcheck source=bindings/shell/telemetry.sh
. "$binding"

# The script is a command from here on. bindings/shell/README.md says which traps this sets.
telemetry_script nightly backup

# A trap that the script sets itself replaces the trap of that line. So it says how the script ended, first of all with $?.
trap 'telemetry_command_end $?; echo "The end."' EXIT

for step in collect compress copy; do
    echo "$step"
    sleep "${STEP_SECONDS:-1}"
done
