#!/usr/bin/env python3
"""A collector that closes itself, and an event with attributes of each type. Try it: MYTOOL_TELEMETRY_ENABLED=1 ./01-first-event.py"""
from libtelemetry import FEATURE_USED, Collector, Options

with Collector(Options("mytool", "1.0")) as telemetry:
    telemetry.track(FEATURE_USED, "import", format="csv", rows=1200, share=0.5, header=True)
