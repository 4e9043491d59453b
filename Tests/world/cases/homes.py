"""Homes whose names are bytes and no text, and homes that are closed to their user.

Elsewhere a path goes through a string that repairs it, so that files are made beside the home, or nowhere; and a numeric
user of a container, whose HOME is root's, gets an error from every command."""
import json
import os
import shutil

from stage import TOOL, wait_until
from records import of_both
from suite import check, check_equal, test
from world import BUILD, USER

NAMES = {"latin-1": b"caf\xe9", "byte": b"x\xff", "cut": b"\xe2\x82", "surrogate": b"\xed\xa0\x80",
         "own-mark": "\U0010fe80".encode(), "private": "\U0010ffff".encode(), "utf-8": "Zoë".encode()}


def home_of(world, name):
    """A home of that name with a yes in it."""
    path = os.fsdecode(os.fsencode(world.root) + b"/" + NAMES[name])
    shutil.copytree(world.path("home"), path)
    return path


def entries(world):
    return sorted(os.listdir(os.fsencode(world.root)))


@of_both("homes/no-utf-8", "storage")
def no_utf8(world):
    """The name of the home is no UTF-8: program, detached process and helper make and find their files in it."""
    receiver = world.receiver()
    for name in NAMES:
        home = home_of(world, name)
        before = entries(world)
        environment = {"HOME": home}
        state = world.spool_in(os.path.join(home, ".local", "state"))
        manifest = os.path.join(home, ".local", "share", "telemetry", "tools", TOOL + ".yaml")
        world.run([world.shared.sender, *world.records.actions, f"code={receiver.url}", "track=2", "close=3000"], environment=environment)
        check(os.path.exists(os.path.join(state, "control")), f"{name}: no spool of a program's")
        os.makedirs(os.path.dirname(manifest))
        with open(manifest, "w") as file:
            json.dump({"tool": {"name": TOOL}, "backend": {"kind": world.records.kind, "endpoint": receiver.url}, "identity": {"ephemeral": "never"},
                       "delivery": {"mode": "detached"}}, file)
        count = len(receiver.accepted())
        world.record("x", environment=environment)
        wait_until(lambda: len(receiver.accepted()) == count + 1, f"{name}: the helper's event")
        world.run([world.shared.sender, *world.records.actions, f"manifest={manifest}", "track=2", "close=3000"], environment=environment)
        wait_until(lambda: len(receiver.accepted()) == count + 3, f"{name}: the program's, detached")
        elsewhere = shutil.copy(manifest, os.path.join(home, "other.yaml"))
        for words in (["explain", "--manifest", elsewhere], ["explain", "--manifest=" + elsewhere]):
            world.telemetry(*words, environment=environment)
        world.run([f"{BUILD}/bin/telemetry", "manifest", "check", elsewhere], environment=environment)
        status = json.loads(world.telemetry("status", "--json", environment=environment).stdout)
        check_equal((True, 5), (status["enabled"], status[world.records.name]["delivered"]), f"{name}: enabled, delivered")
        json.loads(world.telemetry("doctor", "--offline", "--json", environment=environment).stdout)
        world.telemetry("doctor", "--offline", environment=environment)
        world.telemetry("disable", environment=environment)
        with open(os.path.join(home, ".config", "telemetry", TOOL, "enabled")) as file:
            check_equal("false\n", file.read(), f"{name}: the answer")
        world.telemetry("reset", expected=None, environment=environment)
        check(not os.path.exists(os.path.join(state, "control")), f"{name}: reset left the spool")
        check_equal(before, entries(world), f"{name}: what is beside the home")


FILES = r"""
#include <stdio.h>
#include <telemetry.h>
int main(int count, char **arguments)
{
    telemetry_options *o = telemetry_options_new("itest", "1");
    telemetry_attribute settings[] = { telemetry_string("path", arguments[1]) };
    telemetry_status set = count > 2 ? telemetry_options_add_backend(o, "file", settings, 1) : telemetry_options_set_backend_file(o, arguments[1], 4096, 3);
    telemetry_collector *t = telemetry_open(o);
    telemetry_options_free(o);
    for (int i = 0; i < 30; i++)
        telemetry_track(t, TELEMETRY_FEATURE_USED, "e", NULL, 0);
    printf("%d %d\n", (int)set, (int)telemetry_close(t, 3000));
    return 0;
}
"""


@test("homes/log", "storage")
def log(world):
    """A log whose path and name are no UTF-8 is written and rotated there."""
    program = world.program("log", FILES)
    for more in ([], ["add"]):
        for name in NAMES:
            directory = os.fsdecode(os.fsencode(world.root) + b"/logs" + b"".join(each.encode() for each in more) + NAMES[name])
            path = os.path.join(directory, os.fsdecode(NAMES[name]) + ".jsonl")
            done = world.run([program, path, *more])
            check_equal("0 0", done.stdout.strip(), f"{name}: set, close")
            expected = {os.path.basename(path)} if more else {os.path.basename(path) + end for end in ("", ".1", ".2")}
            check_equal(expected, set(os.listdir(directory)), f"{name}: files")


@test("homes/closed", "A8")
def closed(world):
    """A numeric user with HOME=/root, who has agreed to nothing: silence, exit code 0, and no event, except for who asks; a variable's yes works from memory."""
    home = world.path("theirs")
    os.mkdir(home, 0o700)
    receiver = world.receiver()
    world.manifest(receiver.url)
    manifest = shutil.copy(world.manifest_file, world.path("itest.yaml"))
    os.chmod(manifest, 0o644)
    os.chmod(world.shared.directory, 0o755)
    options = {"user": USER, "environment": {"HOME": home}}
    for words in (["track", "x"], ["command", "x", "--duration-ms", "1", "--exit-code", "0"], ["command", "--", "true"], ["flush"], ["deliver"],
                  ["status"], ["explain"]):
        done = world.run([f"{BUILD}/bin/telemetry", words[0], "--tool", TOOL, *words[1:]], **options)
        check_equal("", done.stderr, f"what {words[0]} says")
    # Whoever asks what waits is told that this cannot be seen.
    done = world.run([f"{BUILD}/bin/telemetry", "show", "--tool", TOOL], expected=5, **options)
    check("can be looked at: Permission denied" in done.stderr, done.stderr)
    world.run([world.shared.sender, *world.records.actions, f"code={receiver.url}", "try=2", "close=2000"], **options)
    check_equal([], receiver.accepted(), "events without a yes")
    check("directory cannot be entered" in world.telemetry("explain", **options).stdout, "what explain says")
    options["environment"]["ITEST_TELEMETRY_ENABLED"] = "1"
    world.run([world.shared.sender, *world.records.actions, f"code={receiver.url}", "track=2", "close=2000"], **options)
    world.telemetry("track", "x", "--manifest", manifest, **options)
    check_equal(3, len(receiver.accepted()), "events with the variable's yes")
