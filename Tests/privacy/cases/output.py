"""What a tool prints is the same, byte for byte, with telemetry on and off."""
import os
import shutil

import fixture
from suite import check, check_equal, test

EXAMPLES = os.path.join(fixture.HERE, "..", "..", "examples", "shell")


def outputs(box, command, tool, variable):
    """What the command prints and how it ends: refused, off, on, on once more, and on without a network."""
    answers = {}
    for what, environment in {"off": {}, "refused": {"DO_NOT_TRACK": "1"}, "on": {variable: "1"}, "on again": {variable: "1"}}.items():
        done = box.execute(command, environment)
        answers[what] = (done.returncode, done.stdout, done.stderr)
    done = box.execute(command, {variable: "1"}, wrapper=["unshare", "-n"])
    answers["on, without a network"] = (done.returncode, done.stdout, done.stderr)
    check(os.path.exists(box.state("events.jsonl", tool=tool)), "nothing was recorded when it was on")
    for what, answer in answers.items():
        check_equal(answers["off"], answer, f"exit code, stdout and stderr: {what}, against off")
    check(answers["off"][1], "nothing is printed")


def example(name, tool, *arguments):
    def body(box):
        outputs(box, ["sh", os.path.join(EXAMPLES, name), *arguments], tool, f"{tool.upper()}_TELEMETRY_ENABLED")
    body.__doc__ = f"examples/shell/{name} prints the same with telemetry on and off."
    test(f"output/{name}", "B5")(body)


example("01-track.sh", "greeter", "World")
example("02-wrap.sh", "builder")


@test("output/c-example", "B")
def c_example(box):
    """examples/c/01-first-event prints the same with telemetry on and off."""
    outputs(box, [box.programs.path("example")], "mytool", "MYTOOL_TELEMETRY_ENABLED")


@test("output/c-tool", "B")
def c_tool(box):
    """A tool whose receiver is dead prints the same with telemetry on and off."""
    box.manifest(port=fixture.closed_port())
    command = [box.programs.path("tool"), "mytool", box.path("mytool.yaml"), "--flush", "200"]
    off, on = box.execute(command), box.execute(command, {"MYTOOL_TELEMETRY_ENABLED": "1"})
    check_equal((0, b"deployed 3 files\n", b""), (off.returncode, off.stdout, off.stderr), "off")
    check_equal((0, b"deployed 3 files\n", b""), (on.returncode, on.stdout, on.stderr), "on")
    check(os.path.isdir(box.state()), "nothing was recorded when it was on")
    shutil.rmtree(box.state())
