"""What the tests of Datadog, PostHog and Segment share: a tool that records, and the vendor's own client."""
import os
import subprocess

import stage as stages
from suite import Skipped, check, check_equal
from vendor_receiver import VendorReceiver

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.abspath(os.path.join(HERE, "..", "..", "build", "venv", "bin", "python3"))
KEY = "s3cret-key"
# Every event has these, at every receiver, under these names or those that its case says.
FIELDS = {"schema_version": 1, "name": "run it", "tool_name": stages.TOOL, "version": "1.2.3", "os": "linux"}
OUTCOME = {"duration_ms": 0, "exit_code": 3, "args": ["get", "", "quo\"te"], "error": "no\nroute é"}
METADATA = {"distinct_id": "mine", "text": "a\\b\tc", "integer": -9223372036854775808, "number": 0.5, "flag": True, "release": "beta"}


def receiver(stage, rules, accepted=200):
    return stage.closes(VendorReceiver(rules, accepted))


def program(stage):
    """vendors.c, compiled once."""
    path = os.path.join(stage.shared.directory, "vendors")
    if not os.path.exists(path):
        subprocess.run(["gcc", "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{stages.BUILD}/include", "-o", path,
                        os.path.join(HERE, "vendors.c"), f"-L{stages.BUILD}/lib", "-ltelemetry"], check=True)
    return path


def through_c(stage, kind, *arguments, **settings):
    """Through the C library: `vendors KIND ACTION... -- NAME=VALUE...`."""
    pairs = [f"{name}={value}" for name, value in settings.items()]
    done = subprocess.run([program(stage), kind, *arguments, "--", *pairs], env=stage.environment, cwd=stage.root, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    check_equal((0, ""), (done.returncode, done.stderr), "exit code and error output of the C program")
    check(KEY not in done.stdout, "the key is in what the program printed")
    return done.stdout.strip()


def through_helper(stage, kind, receiver, **settings):
    """Through the helper, as a script does: a manifest, an event, and a delivery, its own or this one."""
    stage.manifest(receiver.url, kind=kind, api_key=KEY, **settings)
    before = len(receiver.requests)
    stage.helper("track", "search", "--property", "sequence:int=0")
    stage.helper("deliver", "--now")
    stages.wait_until(lambda: len(receiver.requests) > before, "the helper's request")


def no_key_anywhere(stage):
    """Secrets stand nowhere but in the manifest and on the wire."""
    for arguments in (["status"], ["status", "--json"], ["doctor"], ["show", "--wire"], ["show", "--sent"]):
        check(KEY not in stage.helper(*arguments, expected=None), f"the key is in the answer of {arguments}")
    for directory, _, files in os.walk(stage.spool):
        for file in files:
            with open(os.path.join(directory, file), "rb") as opened:
                check(KEY.encode() not in opened.read(), f"the key is in {file}")


def official(kind, url):
    """The vendor's own client sends one event there."""
    if not os.path.exists(PYTHON):
        raise Skipped("no build/venv: run make setup")
    done = subprocess.run([PYTHON, os.path.join(HERE, "vendor_client.py"), kind, url, KEY], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    check_equal((0, ""), (done.returncode, done.stdout + done.stderr), f"exit code and output of the client of {kind}")


def compare(theirs, ours, path, only_theirs=(), only_ours=()):
    """Objects have the same members of the same types, but for those named; what is a free form is left to its reader."""
    check_equal(set(theirs) - set(only_theirs), set(ours) - set(only_ours), f"members of {path}")
    for name in set(theirs) & set(ours) - set(only_theirs) - set(only_ours):
        check_equal(type(theirs[name]), type(ours[name]), f"type of {path}.{name}")


def compare_heads(theirs, ours, *names):
    """Method, path and these headers are the same."""
    check_equal((theirs.method, theirs.path), (ours.method, ours.path), "method and path")
    for name in names:
        check_equal(theirs.header(name), ours.header(name), name)
    check(ours.header("User-Agent").startswith("libtelemetry/"), ours.header("User-Agent"))


def check_fields(found, **elsewhere):
    """F: every field of the full event that vendors.c records is there; `elsewhere`: by other names."""
    category = found["error_category"]
    check(category and isinstance(category, str), f"error_category {category!r}")
    for name, value in {**FIELDS, **OUTCOME}.items():
        check_equal(value, found[elsewhere.get(name, name)], name)
    for name in ("machine_id", "arch", "os_version", "runtime"):
        check(isinstance(found[name], str) and found[name], f"{name}: {found[name]!r}")
    check_equal(METADATA, found["metadata"], "metadata, the author's and the event's own")
