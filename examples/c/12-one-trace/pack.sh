#!/bin/sh
# The second of three programs: its span is below the one that TRACEPARENT names, and the program that it runs is below that.
set -u
directory=$(dirname "$0")
telemetry span --tool pack --name pack -- "${PYTHON:-python3}" "$directory/report.py"
