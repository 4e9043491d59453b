"""What all tests here share."""
import json
import os
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD = os.path.realpath(os.environ.get("TELEMETRY_BUILD", os.path.join(ROOT, "build")))
GENERATOR = os.path.join(ROOT, ".build-debug/debug/manual-generator")
TESTS = []


def test(name):
    """Adds a test."""
    def add(body):
        TESTS.append((name, body))
        return body
    return add


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def equal(expected, found, what):
    check(expected == found, f"{what}: expected {expected!r}, found {found!r}")


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
