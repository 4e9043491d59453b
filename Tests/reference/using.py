"""Programs and receivers of the rows."""
import json
import os
import socket

from origin import Origin
from stage import BUILD, TOOL
from suite import check, check_equal

TELEMETRY = f"{BUILD}/bin/telemetry"
AGREED = {"ITEST_TELEMETRY_ENABLED": "1"}
# What each program begins with: options, and functions that most rows need.
BEGINNING = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void say(const char *name, long long value) { printf("%s %lld\\n", name, value); }
static inline void tell(const char *name, const char *text) { printf("%s %s\\n", name, text); }
"""


def run(world, body, *, before="", arguments=(), expected=0, environment=None, manifest=False, version="1.2.3", flags=()):
    """A program in C whose main() is `body`, with `options` for the tool; what it printed, as a dictionary of words. It prints
    nothing else: no stray line."""
    path = world.path(f"program-{len(os.listdir(world.root))}")
    load = "telemetry_options_load_manifest(options, NULL);" if manifest else ""
    source = f"""{BEGINNING}{before}
int main(int argc, char **argv)
{{
    (void)argc, (void)argv;
    telemetry_options *options = telemetry_options_new("{TOOL}", "{version}");
    (void)options;
    {load}
    {body}
}}
"""
    program = world.program(os.path.basename(path), source, "-pthread", *flags)
    done = world.run([program, *arguments], expected=expected, environment=environment)
    check_equal("", done.stderr, "what it wrote on standard error")
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def helper(world, *arguments, **options):
    return world.run([TELEMETRY, *arguments, "--tool", TOOL], **options)


def manifest(world, **sections):
    os.makedirs(os.path.dirname(world.manifest_file), exist_ok=True)
    with open(world.manifest_file, "w") as file:
        json.dump({"tool": {"name": TOOL}, "identity": {"ephemeral": "never"}, **sections}, file)


def origin(world, answer=200):
    return world.closes(Origin(answer))


def events(receiver):
    """What an HTTP receiver got, event by event."""
    return [event for asked in receiver.requests if asked.method == "POST" for event in json.loads(asked.body)]


def logged(world):
    """The local log of the default backend."""
    path = world.path("home", ".local", "state", "telemetry", TOOL, "events.jsonl")
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [json.loads(line) for line in file]


def unanswered(world):
    """The user has not said anything yet."""
    os.remove(world.path("home", ".config", "telemetry", TOOL, "enabled"))


def files(world):
    """Every file below the home directory, with what is in it."""
    found = {}
    for directory, _, names in os.walk(world.path("home")):
        for name in names:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, world.path("home"))] = file.read()
    return found


def check_nothing(world, receiver=None):
    """No file was made beside those of the test, and nothing was sent."""
    made = [name for name in files(world) if not name.startswith((".config/", ".local/share/"))]
    check_equal([], made, "files")
    if receiver:
        check_equal([], receiver.requests, "requests")


class Datagrams:
    """A UDP receiver."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(20)
        self.url = f"udp://127.0.0.1:{self.socket.getsockname()[1]}"

    def one(self):
        return self.socket.recv(65536).decode()

    def close(self):
        self.socket.close()


def otlp(receiver):
    """The log records that a receiver of OTLP got, with the attributes of their resource."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    found = []
    for asked in receiver.requests:
        message = ExportLogsServiceRequest.FromString(asked.body)
        for resource in message.resource_logs:
            about = {each.key: value(each.value) for each in resource.resource.attributes}
            for scope in resource.scope_logs:
                for record in scope.log_records:
                    found.append((record, {each.key: value(each.value) for each in record.attributes}, about))
    check(found, "no log record came")
    return found


def value(any_value):
    kind = any_value.WhichOneof("value")
    return getattr(any_value, kind) if kind else None
