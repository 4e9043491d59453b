#!/usr/bin/env python3
"""Numbers that add up over all runs of the tool: declared once, and recorded without asking whether the user has agreed."""
import sys

from libtelemetry import Collector, MetricType, Options

options = Options("words", "1.0")
options.add_metric("lines", MetricType.COUNTER, "{line}", "Lines that were read.")
options.add_metric("length", MetricType.HISTOGRAM, "By", "Length of a line.", bounds=[10, 100, 1000])
with Collector(options) as telemetry:
    lines = telemetry.metric("lines")
    lengths = telemetry.metric("length").bind()  # one series, for the loop
    for line in sys.stdin.buffer:
        lines.add(1, empty=line == b"\n")
        lengths.observe(len(line.rstrip(b"\n")))
    telemetry.count("runs")  # by its name, without a declaration
