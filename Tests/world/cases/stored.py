"""ok means stored: what a command says of an event, or of a directory, is what holds.

Elsewhere a recorder answers "ok" once the event is in memory, and a check says that all is well where the first write will fail."""
import json
import os
import shutil
import subprocess

from suite import check, check_equal, test
from world import USER

ON = {"ITEST_TELEMETRY_ENABLED": "1"}


def track(world, *arguments, home, user=USER):
    done = world.telemetry(*arguments, "--json", user=user, environment={"HOME": home, **ON})
    return json.loads(done.stdout)


def commands(receiver):
    yield ["track", "x"]
    yield ["command", "x", "--duration-ms", "1", "--exit-code", "0"]


def findings(world, home, user=USER, expected=8):
    done = world.telemetry("doctor", "--offline", "--json", user=user, environment={"HOME": home}, expected=expected)
    return {each["check"]: each for each in json.loads(done.stdout)}


@test("stored/track", "E12")
def says_what_became(world):
    """track --json and command --json: dropped with the reason where an event went with its process, ok where it did not."""
    closed = world.path("closed")
    os.mkdir(closed, 0o555)
    own = world.path("own")
    os.mkdir(own, 0o700)
    os.chown(own, USER, USER)
    for words in commands(None):
        answer = track(world, *words, home=closed)
        check_equal(("dropped", "Permission denied"), (answer["status"], answer["reason"]), f"{words[0]} in a home that cannot be written")
        answer = track(world, *words, home=world.path("none"), user=None)
        check_equal(("dropped", "No such file or directory"), (answer["status"], answer["reason"]), f"{words[0]} without a home")
        answer = track(world, *words, home=own)
        check_equal(("ok", None), (answer["status"], answer["reason"]), f"{words[0]} in a home of one's own")
    state = json.loads(world.telemetry("status", "--json", user=USER, environment={"HOME": own, **ON}).stdout)["events"]
    check_equal((2, 2), (state["recorded"], state["delivered"] + state["pending"]), "recorded; delivered or pending")


@test("stored/delivered", "E12")
def delivered_from_memory(world):
    """Without a place on disk an event that the receiver takes at once is ok, and one that it does not take is not."""
    receiver = world.receiver()
    world.manifest(receiver.url)
    closed = world.path("closed")
    os.mkdir(closed, 0o555)
    manifest = shutil.copy(world.manifest_file, world.path("itest.yaml"))
    os.chmod(manifest, 0o644)
    for mode, expected in (("/status/200", "ok"), ("/status/503", "dropped")):
        receiver.mode(mode)
        answer = track(world, "track", "x", "--manifest", manifest, home=closed)
        check_equal(expected, answer["status"], f"status with a receiver that does {mode}")
    check_equal(1, len(receiver.accepted()), "events")


@test("stored/full-disk", "E12")
def full_disk(world):
    """No room for a spool: dropped, and why."""
    small = world.small_disk("small", 100)
    shutil.copytree(world.path("home", ".config"), os.path.join(small, ".config"))
    world.fill(small)
    answer = track(world, "track", "x", home=small, user=None)
    check_equal(("dropped", "No space left on device"), (answer["status"], answer["reason"]), "status, reason")


@test("stored/doctor", "B4")
def doctor(world):
    """doctor says what keeps a directory from being made or used, and nothing where nothing does."""
    closed, below, own = world.path("closed"), world.path("below"), world.path("own")
    os.mkdir(closed, 0o555)
    os.makedirs(os.path.join(below, ".local"))
    os.chown(below, USER, USER)
    os.mkdir(own, 0o700)
    os.chown(own, USER, USER)
    for home, what in ((closed, f"{closed}: Permission denied"), (world.path("none"), "does not exist"), (below, f"{below}/.local: Permission denied")):
        found = findings(world, home)["state directory"]
        check(found["state"] == "problem" and "cannot be made" in found["detail"] and what in found["detail"], f"{home}: {found}")
    subprocess.run(["chmod", "700", os.path.join(below, ".local")], check=True)
    found = findings(world, below)["state directory"]
    check(found["state"] == "problem" and "Permission denied" in found["detail"], f"a directory that is closed: {found}")
    found = findings(world, own, expected=0)["state directory"]
    check(found["state"] == "ok" and "does not exist yet" in found["detail"], f"a home of one's own: {found}")
