#!/bin/sh
# Ask the user on the first run, and only at a terminal. The tool has its own switch for later. Try it:
#
#     examples/shell/03-prompt.sh            twice; it asks once
#     examples/shell/03-prompt.sh telemetry status
set -eu

binding=$(dirname "$0")/../../bindings/shell/telemetry.sh # of the source tree
[ -r "$binding" ] || binding=/usr/share/telemetry/telemetry.sh
# shellcheck source=bindings/shell/telemetry.sh
. "$binding"
TELEMETRY_TOOL=almanac

# The helper has the commands for the user. A tool may offer them where its users look for them.
if [ "${1-}" = telemetry ]; then
    shift
    exec telemetry "${1:-status}" --tool "$TELEMETRY_TOOL"
fi

telemetry_prompt

date '+It is the %jth day of %Y.'
telemetry_track day
