"""What all tests here share."""
import json
import os
import subprocess

import suite
from suite import check, check_equal as equal  # noqa: F401 equal is for the others

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD = os.path.realpath(os.environ.get("TELEMETRY_BUILD", os.path.join(ROOT, "build")))
GENERATOR = os.path.join(ROOT, ".build-debug/debug/manual-generator")
TESTS = []


class Test(suite.Test):
    """One whose title says it all."""

    def __init__(self, title, body):
        super().__init__(title, "I", title, lambda _: body())

    def __str__(self):
        return self.title


def test(title):
    """Adds a test."""
    def add(body):
        TESTS.append(Test(title, body))
        return body
    return add


def same(expected, found, what):
    """Sets, with what differs as the diagnosis."""
    expected, found = set(expected), set(found)
    check(expected == found, f"{what}: missing {sorted(expected - found)}, unexpected {sorted(found - expected)}")


def output(*command, **options):
    """Standard output of a command that succeeds and complains of nothing."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    check(done.returncode == 0 and not done.stderr, f"{' '.join(command)}: status {done.returncode}: {done.stderr}")
    return done.stdout


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def telemetry(*arguments):
    return output(os.path.join(BUILD, "bin/telemetry"), *arguments)


def table():
    """What `telemetry help --json` prints."""
    return json.loads(telemetry("help", "--json"))


def generate(*arguments):
    return output(GENERATOR, *arguments, cwd=ROOT)
