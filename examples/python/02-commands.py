#!/usr/bin/env python3
"""A block times the command that the program was run for. Its exit code comes from finish() or from an exception."""
import sys

from libtelemetry import Collector, Command, Options


def add(text: str) -> int:
    if not text:
        raise ValueError("nothing to add")
    print("added")
    return 0


def run(command: Command, arguments: list[str]) -> int:
    command.set("notes add")
    if len(arguments) < 2 or arguments[0] != "add":
        print("usage: notes add TEXT", file=sys.stderr)
        return command.finish(2)
    return command.finish(add(arguments[1]), argument_count=len(arguments))


def main() -> int:
    with Collector(Options("notes", "1.0")) as telemetry:
        try:
            with telemetry.command() as command:
                return run(command, sys.argv[1:])
        except ValueError as error:
            print(f"notes: {error}", file=sys.stderr)
            return 1


sys.exit(main())
