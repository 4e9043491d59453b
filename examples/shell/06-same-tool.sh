#!/bin/sh
# One tool in four languages: this, ../c/09-same-tool, ../cpp/07-same-tool and ../python/04-same-tool.py record the
# same events, because they use the same manifest. Try it:
#
#     telemetry enable --tool greet
#     examples/shell/06-same-tool.sh hello World
set -u

binding=$(dirname "$0")/../../bindings/shell/telemetry.sh # of the source tree
[ -r "$binding" ] || binding=/usr/share/telemetry/telemetry.sh
# shellcheck source=bindings/shell/telemetry.sh
. "$binding"
TELEMETRY_TOOL=greet
TELEMETRY_MANIFEST=${TELEMETRY_MANIFEST:-$(dirname "$0")/../c/09-same-tool/greet.yaml}
export TELEMETRY_MANIFEST

hello() {
    loud=false ending=. effort=0.5
    if [ "${1-}" = --loud ]; then
        loud=true ending=! effort=0.75
        shift
    fi
    text=hello
    for name in "$@"; do text="$text $name"; done
    if $loud; then text=$(printf '%s' "$text" | tr '[:lower:]' '[:upper:]'); fi
    printf '%s%s\n' "$text" "$ending"

    telemetry_track greeting --property names:int=$# --property loud:bool=$loud --property ending="$ending" \
        --property effort:double=$effort
}

arguments=$#
if [ "${1-}" = hello ]; then
    telemetry_command_begin hello
    shift
    hello "$@"
    code=0
else
    telemetry_command_begin unknown # not what was typed
    echo 'usage: greet hello [--loud] NAME...' >&2
    code=2
fi
telemetry_command_end $code --property arguments:int="$arguments"
exit $code
