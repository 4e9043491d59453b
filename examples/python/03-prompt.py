#!/usr/bin/env python3
"""Asks its user on the first run. `quote telemetry on | off | why` is its own switch for later.

Try it: run it twice and answer; then `03-prompt.py telemetry why`. Without a terminal it asks nothing.
"""
import sys

from libtelemetry import FEATURE_USED, Collector, Notice, Options, Status, status_text


def describe() -> Options:
    return Options("quote", "1.0.0", notice=Notice(
        collector="The Quote Project", data="how often a quotation is printed", purpose="to see whether anyone reads them"))


def decide(options: Options, answer: str) -> int:
    if answer == "why":
        print(options.explain(), end="")
        return 0
    if answer not in ("on", "off"):
        print("usage: quote telemetry on | off | why", file=sys.stderr)
        return 2
    status = options.set_preference(answer == "on")
    if status is not Status.OK:
        print(f"quote: telemetry {answer}: {status_text(status)}", file=sys.stderr)
    return 0 if status >= 0 else 1


def main(arguments: list[str]) -> int:
    options = describe()
    if arguments[:1] == ["telemetry"]:
        return decide(options, arguments[1] if len(arguments) > 1 else "")
    options.prompt()  # before the collector, which reads the answer
    with Collector(options) as telemetry:
        print("Brevity is the soul of wit.")
        telemetry.track(FEATURE_USED, "quotation")
    return 0


sys.exit(main(sys.argv[1:]))
