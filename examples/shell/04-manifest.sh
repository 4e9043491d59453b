#!/bin/sh
# A script that ships its manifest (04-manifest.yaml): the notice and the events are in a file that its users
# can read. If it is installed as /usr/share/telemetry/tools/pack.yaml, it is found without the variable. Try it:
#
#     telemetry enable --tool pack
#     examples/shell/04-manifest.sh examples
#     TELEMETRY_MANIFEST=examples/shell/04-manifest.yaml telemetry show --schema --tool pack
set -eu

binding=$(dirname "$0")/../../bindings/shell/telemetry.sh # of the source tree
[ -r "$binding" ] || binding=/usr/share/telemetry/telemetry.sh
# shellcheck source=bindings/shell/telemetry.sh
. "$binding"
TELEMETRY_TOOL=pack
TELEMETRY_MANIFEST=$(dirname "$0")/04-manifest.yaml
export TELEMETRY_MANIFEST

files=$(find "${1:-.}" -type f | wc -l)
echo "packing $((files)) files"

# A property that the manifest does not list is left out. Here this is the path, which is private.
telemetry_track pack --property files:int="$((files))" --property kind=tar --property path="${1:-.}"
# An event that the manifest does not list is refused and counted.
telemetry_track unpack
