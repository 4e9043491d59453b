#!/bin/sh
# The same tool in shell.
set -eu
# shellcheck source=bindings/shell/telemetry.sh
. /usr/share/telemetry/telemetry.sh
TELEMETRY_TOOL=sametool

telemetry_track import --tool-version 1.2.0 --property format=csv --property rows:int=1200 --property share:double=0.5 --property header:bool=true
telemetry command "sametool import" --tool=sametool --tool-version=1.2.0 --duration-ms=40 --exit-code=3
