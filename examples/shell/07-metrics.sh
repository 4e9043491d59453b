#!/bin/sh
# Numbers that add up over all runs: how often, how much, how long. Try it:
#
#     telemetry enable --tool archive
#     examples/shell/07-metrics.sh *.md
#     telemetry metrics --tool archive
set -u

binding=$(dirname "$0")/../../bindings/shell/telemetry.sh # of the source tree
[ -r "$binding" ] || binding=/usr/share/telemetry/telemetry.sh
# shellcheck source=bindings/shell/telemetry.sh
. "$binding"
TELEMETRY_TOOL=archive
export TELEMETRY_TOOL

# One process for all files: a line for each.
for file in "$@"; do
    echo "files 1 kind=${file##*.}"
done | telemetry_count --batch -

# It ends as the program does, also where the helper is missing.
telemetry_time duration ls -d -- "$@" >/dev/null
code=$?

telemetry_gauge size $#
exit $code
