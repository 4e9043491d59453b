#!/usr/bin/env python3
"""A program that is started goes on with the trace, in whatever language it is: here a shell script and this program itself."""
import subprocess
import sys

from libtelemetry import Collector, Options

with Collector(Options("release", "1.0", command_spans=True)) as telemetry:
    if sys.argv[1:] == ["check"]:
        telemetry.span("verify").end()  # below the span that TRACEPARENT names
    else:
        with telemetry.command("release publish"):
            with telemetry.span("pack") as pack:
                subprocess.run(["sh", "-c", "echo packed in trace ${TRACEPARENT:-none} | cut -c 1-18"], env=pack.environment(), check=True)
            with telemetry.span("check") as check:
                subprocess.run([sys.executable, sys.argv[0], "check"], env=check.environment(), check=True)
