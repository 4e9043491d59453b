"""Two tools are not linkable, and neither are a user before and after the salt has gone."""
import json
import os
import re
import time

import fixture
from sinks import Sink
from suite import check, check_equal, test

DAY = 86400
ID = re.compile(r"[0-9a-f-]{32,36}")


def identity(box, tool="mytool"):
    """Records an event; the id that is in use."""
    box.use("--events", 1, "--flush", 5000, tool=tool)
    found = box.telemetry("machine-id", tool=tool).strip()
    check(ID.fullmatch(found), f"machine-id printed '{found}'")
    return found


def carried(box, tool="mytool"):
    """The ids in the local log, in order, each once."""
    with open(box.state("events.jsonl", tool=tool)) as file:
        return list(dict.fromkeys(json.loads(line).get("machine_id", "") for line in file))


def agree(box, tool="mytool", **manifest):
    box.manifest(kind="file", tool=tool, **manifest)
    box.telemetry_enable(tool)


def check_unrelated(first, second, what):
    """No run of 8 digits of one is in the other: chance is about one in 10 million."""
    check(first != second, f"{what}: both are {first}")
    first, second = first.replace("-", ""), second.replace("-", "")
    shared = [first[i:i + 8] for i in range(len(first) - 7) if first[i:i + 8] in second]
    check_equal([], shared, what)


@test("identity/two-tools", "D2")
def two_tools(box):
    """Two tools on one machine have ids that have nothing in common; each keeps its own."""
    agree(box)
    agree(box, "othertool")
    first, second = identity(box), identity(box, "othertool")
    check_unrelated(first, second, "two tools")
    check_equal((first, second), (identity(box), identity(box, "othertool")), "ids of a second run")
    check_equal([first], carried(box), "ids in the events")


@test("identity/salt", "D2")
def salt(box):
    """Deleting the salt changes the id, for good; the salt is 32 bytes and its owner's alone."""
    agree(box)
    before = identity(box)
    about = os.stat(box.state("salt"))
    check_equal((32, 0o600), (about.st_size, about.st_mode & 0o777), "size and mode of the salt")
    os.unlink(box.state("salt"))
    after = identity(box)
    check_unrelated(before, after, "without the old salt")
    check_equal([before, after], carried(box), "ids in the events")


def rotate(box, name):
    """What is stored seems two days old."""
    past = time.time() - 2 * DAY
    os.utime(box.state(name), (past, past))


def rotation(box, kind, name):
    agree(box, identity=f"kind: {kind}, rotation_days: 1")
    first = identity(box)
    check_equal(first, identity(box), "the id on the same day")
    rotate(box, name)
    second = identity(box)
    check_unrelated(first, second, "before and after rotation")
    check_equal(second, identity(box), "the id after rotation")
    check_equal([first, second], carried(box), "ids in the events")
    return first, second


@test("identity/rotation-salted", "D3")
def rotation_salted(box):
    """salted: ids before and after rotation are unrelated."""
    rotation(box, "salted", "salt")


@test("identity/rotation-random", "D3")
def rotation_random(box):
    """random: ids before and after rotation are unrelated."""
    rotation(box, "random", "uuid")


@test("identity/past-ids", "D3 G")
def past_ids(box):
    """A past id is in no output but a deletion request's, and only its owner can read it. The copies in the
    audit log have the id that was sent: they would not be copies otherwise."""
    rotated = "kind: salted, rotation_days: 1"
    agree(box, identity=rotated)
    first = identity(box)
    rotate(box, "salt")
    with Sink("accepting") as sink:
        box.manifest(f"deletion: {{endpoint: \"http://127.0.0.1:{sink.port}/erase\"}}", port=sink.port, identity=rotated)
        box.use("--events", 1, "--flush", 5000)
        check(b"visible-control" in sink.text(), "nothing was sent")
        check(first.encode() not in sink.text(), "the past id was sent with an event")
        check_not_shown(box, first)
        check_equal(0o600, os.stat(box.state("past-ids")).st_mode & 0o777, "mode of past-ids")
        box.telemetry("disable")
        box.telemetry("request-deletion")
        check(first.encode() in sink.text(), "the receiver was not asked to erase the past id")


def check_not_shown(box, past):
    for command in ["status", "show", "explain", "machine-id", "show --wire", "doctor --offline"]:
        for form in [command.split(), [*command.split(), "--json"]]:
            if form == ["show", "--wire", "--json"]:
                continue
            check(past not in box.telemetry(*form, codes=(0, 8)), f"the past id is in telemetry {' '.join(form)}")


@test("identity/none", "D3")
def none(box):
    """none: no id, and no secret made for one."""
    agree(box, identity="kind: none")
    box.use("--events", 1, "--flush", 5000)
    check_equal([""], carried(box), "ids in the events")
    left = set(os.listdir(box.state())) & {"salt", "uuid", "machine-id", "hashed-id"}
    check_equal(set(), left, "files")


@test("identity/ephemeral", "D4")
def ephemeral(box):
    """ephemeral: each process has an id of its own, marked, and nothing of it is kept."""
    agree(box, ephemeral="ephemeral: always")
    box.use("--events", 1, "--flush", 5000)
    box.use("--events", 1, "--flush", 5000)
    ids = carried(box)
    check_equal(2, len(ids), f"different ids in {ids}")
    check(all(re.fullmatch(r"ephemeral-[0-9a-f]{32}", each) for each in ids), f"ids {ids}")
    kept = {name: content for name, content in fixture.files_below(box.state()).items() if not name.startswith(("events.jsonl", "sent."))}
    for name, content in kept.items():
        check(not any(each[10:].encode() in content for each in ids) or name.endswith(".seg"), f"the id is kept in {name}")
