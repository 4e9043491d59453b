"""Tools with something to show."""
import json
import os

from agents import TELEMETRY, adopting, manifest, pending
from origin import Origin
from push_receiver import PushReceiver

NOBODY = "http://127.0.0.1:1"  # where no receiver listens


def telemetry(world, tool, *arguments, **options):
    """A command of the helper that leaves no process behind."""
    return world.run([TELEMETRY, "--tool", tool, *arguments], preexec_fn=adopting, **options)


def refuse(world, tool):
    with open(world.path("home", ".config", "telemetry", tool, "enabled"), "w") as file:
        file.write("false\n")


def waiting(world, tool="waiting", events=3):
    """Its receiver cannot be reached."""
    manifest(world, tool, NOBODY)
    for number in range(events):
        telemetry(world, tool, "track", f"event {number}", "--property", f"number:int={number}")


def binary(world, tool="binary", endpoint=NOBODY):
    """Requests in protobuf, packed with gzip."""
    manifest(world, tool, endpoint, backend={"kind": "otlp", "endpoint": endpoint, "protocol": "http/protobuf", "compression": "gzip"})
    for number in range(5):
        telemetry(world, tool, "track", f"packed {number}")


def sent(world, tool="sent", rounds=1):
    """Events, metrics and spans that were taken, and others that wait. Its receiver."""
    receiver = world.closes(PushReceiver())
    manifest(world, tool, receiver.url,
             backend={"kind": "otlp", "endpoint": receiver.url, "signals": ["events", "metrics", "spans"], "protocol": "http/json",
                      "compression": "none"})
    for number in range(rounds):
        telemetry(world, tool, "track", "export", "--property", "rows:int=1200")
        telemetry(world, tool, "count", "jobs", "--by", str(number + 3), "--attribute", "kind=nightly")
        telemetry(world, tool, "gauge", "queue", str(10 - number))
        for value in (0.02, 0.4, 3):
            telemetry(world, tool, "observe", "seconds", str(value))
        telemetry(world, tool, "span", "--name", "build", "--", "true")
        telemetry(world, tool, "deliver", "--now")
    return receiver


def broken(world, tool="broken"):
    """Its manifest is wrong."""
    manifest(world, tool, NOBODY, enabeld="yes")


def own(world, tool="mine", others=()):
    """Kept for the user, and sent to a receiver of the user's own, though the author is refused. The receiver."""
    receiver = world.closes(PushReceiver())
    manifest(world, tool, NOBODY)
    refuse(world, tool)
    path = world.path("home", ".config", "telemetry", "own.yaml")
    with open(path, "w") as file:
        json.dump({"tools": {"*": "off", **dict.fromkeys((tool, *others), "on")}, "backends": [{"kind": "otlp", "endpoint": receiver.url, "compression": "none", "protocol": "http/json"}]}, file)
    os.chmod(path, 0o600)
    telemetry(world, tool, "count", "visits", "--by", "7")
    telemetry(world, tool, "span", "--name", "visit", "--", "true")
    telemetry(world, tool, "deliver", "--now")
    telemetry(world, tool, "count", "visits", "--by", "2")
    return receiver


def erased(world, tool="erased"):
    """Somebody was asked to erase what was sent. Who was asked."""
    receiver = world.closes(Origin())
    manifest(world, tool, receiver.url, deletion={"endpoint": receiver.url + "/deletion"})
    telemetry(world, tool, "track", "gone")
    telemetry(world, tool, "deliver", "--now")
    telemetry(world, tool, "request-deletion")
    return receiver
