#!/bin/sh
# A small tool, "demo", as its user sees it. It works on a few real files. Each step is
# wrapped, so that its duration and exit code are recorded. Needs `telemetry` in PATH.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'pear\napple\nfig\napple\n' >"$work/fruit"

echo "The files:"
telemetry command --tool demo -- ls "$work"
echo "Sorted:"
telemetry command --tool demo -- sort -u "$work/fruit"
echo "Lines with an apple:"
telemetry command --tool demo count -- grep -c apple "$work/fruit"
echo "Lines with a plum:"
telemetry command --tool demo count -- grep -c plum "$work/fruit" || echo "(grep says $?: none)"

telemetry track report --tool demo --property format=text --property lines:int=4 --property sorted:bool=true
