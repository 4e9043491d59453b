#!/usr/bin/env python3
"""One tool in four languages: this, ../c/09-same-tool, ../cpp/07-same-tool and ../shell/06-same-tool.sh record the same events,
because they use the same manifest.

    TELEMETRY_MANIFEST=../c/09-same-tool/greet.yaml GREET_TELEMETRY_ENABLED=1 ./04-same-tool.py hello World
"""
import sys

from libtelemetry import FEATURE_USED, Collector, Command, Options


def hello(telemetry: Collector, names: list[str]) -> int:
    loud = names[:1] == ["--loud"]
    if loud:
        names = names[1:]
    text = " ".join(["hello", *names])
    # As toupper(3) does it: letters of ASCII.
    print((text.encode().upper().decode() if loud else text) + ("!" if loud else "."))
    telemetry.track(FEATURE_USED, "greeting", names=len(names), loud=loud, ending="!" if loud else ".", effort=0.75 if loud else 0.5)
    return 0


def run(telemetry: Collector, command: Command, arguments: list[str]) -> int:
    if arguments[:1] == ["hello"]:
        command.set("hello")
        return hello(telemetry, arguments[1:])
    command.set("unknown")  # not what the user typed
    print("usage: greet hello [--loud] NAME...", file=sys.stderr)
    return 2


with Collector(Options("greet", manifest=True)) as telemetry, telemetry.command() as command:
    code = run(telemetry, command, sys.argv[1:])
    command.finish(code, arguments=len(sys.argv) - 1)
sys.exit(code)
