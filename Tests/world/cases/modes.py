"""Modes and owners: what is made can be used by its user and nobody else, and nothing is made in another's place.

Elsewhere a strict umask leaves a `~/.local` without the right to enter it, and root leaves directories in a user's home
that no program of that user can write to afterwards."""
import os
import stat

from stage import TOOL
from records import EVENTS, of_both
from suite import check, check_equal, test
from world import BUILD, USER


def modes(top):
    """{path below it: (owner, mode)} of all that is there."""
    found = {}
    for directory, names, files in os.walk(top):
        for name in names + files:
            status = os.lstat(os.path.join(directory, name))
            found[os.path.relpath(os.path.join(directory, name), top)] = (status.st_uid, stat.S_IMODE(status.st_mode))
    return found


def check_modes(top, owner):
    for path, (uid, mode) in modes(top).items():
        is_directory = os.path.isdir(os.path.join(top, path))
        check_equal((owner, 0o700 if is_directory else 0o600), (uid, mode), f"owner and mode of {path}")


def empty_home(world, name, owner=USER):
    path = world.path(name)
    os.mkdir(path, 0o700)
    os.chown(path, owner, owner)
    return path


@of_both("modes/umask", "storage")
def umask(world):
    """A strict umask takes nothing from what is made: helper, program, log and answers."""
    os.chmod(world.shared.directory, 0o755)
    for mask in (0o177, 0o777, 0o277, 0o000):
        home = empty_home(world, f"home-{mask:o}")
        options = {"user": USER, "environment": {"HOME": home}, "umask": mask}
        world.telemetry("enable", **options)
        world.record("x", **options)
        receiver = world.receiver("/status/503")
        world.run([world.shared.sender, *world.records.actions, f"code={receiver.url}", "track=2", "close=2000"], **options)
        check(os.path.exists(os.path.join(world.spool_in(os.path.join(home, ".local", "state")), "control")), f"no spool under umask {mask:o}")
        check_modes(home, USER)
        world.telemetry("reset", expected=None, **options)
        world.telemetry("status", **options)
        world.run(["mkdir", "-p", os.path.join(home, ".local", "bin")], user=USER)


@test("modes/foreign-home", "A16")
def foreign_home(world):
    """Root with another user's HOME leaves nothing there, and that user's refusal counts."""
    root = empty_home(world, "root", 0)
    home = empty_home(world, "theirs")
    os.makedirs(os.path.join(home, ".config", "telemetry", TOOL), 0o700)
    receiver = world.receiver()
    program = [world.shared.sender, *world.records.actions, f"code={receiver.url}", "try=2", "close=2000"]
    on = {"HOME": home, "ITEST_TELEMETRY_ENABLED": "1"}
    before = modes(home)
    with_root = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" ~root && exec "$@"', root]
    for command in (program, [f"{BUILD}/bin/telemetry", "track", "x", "--tool", TOOL], [f"{BUILD}/bin/telemetry", "enable", "--tool", TOOL]):
        world.run(with_root + command, environment=on)
        check_equal(before, modes(home), "what is in the home")
    for variable, names in (("XDG_STATE_HOME", ".local/state"), ("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local/share")):
        world.run(with_root + program, environment={"HOME": "/root", "ITEST_TELEMETRY_ENABLED": "1", variable: f"{home}/{names}"})
        check_equal(before, modes(home), f"what is in the home, with {variable}")
    check(os.path.exists(os.path.join(root, ".local", "state", "telemetry", TOOL)), "nothing was recorded in root's own home")
    with open(os.path.join(home, ".config", "telemetry", TOOL, "enabled"), "w") as file:
        file.write("false\n")
    os.chmod(file.name, 0o600)
    os.chown(file.name, USER, USER)
    count = len(receiver.accepted())
    world.run(with_root + program, environment={"HOME": home})
    check_equal(count, len(receiver.accepted()), "events after the owner of HOME refused")


@of_both("modes/missing-home", "storage")
def missing_home(world):
    """A home that does not exist is made by nobody; what is recorded is delivered from memory."""
    receiver = world.receiver()
    program = [world.shared.sender, *world.records.actions, f"code={receiver.url}", "try=2", "close=2000"]
    for home in (world.path("none"), world.path("none", "below"), world.path("none") + "/"):
        world.run(program, environment={"HOME": home, "ITEST_TELEMETRY_ENABLED": "1"})
        world.record("x", environment={"HOME": home, "ITEST_TELEMETRY_ENABLED": "1"})
        world.telemetry("enable", expected=5, environment={"HOME": home})
        check(not os.path.exists(world.path("none")), f"{home} was made")
    check_equal(6, len(receiver.accepted()), "events delivered")


@of_both("modes/open-state", "storage")
def open_state(world):
    """A state directory, or the one that it is in, that others can write to is not used."""
    receiver = world.receiver()
    for path in (world.spool, os.path.dirname(world.spool)):
        os.makedirs(world.spool, 0o700, exist_ok=True)
        for mode in (0o777, 0o770, 0o702):
            os.chmod(path, mode)
            world.send(f"endpoint={receiver.url}", "track=2", "close=2000")
            check_equal([], os.listdir(world.spool), f"files below {path} with mode {mode:o}")
            if world.records is EVENTS:
                check("can be written to by others" in world.telemetry("doctor", "--offline", expected=8).stdout, "what doctor says")
            os.chmod(path, 0o700)
    check_equal(12, len(receiver.accepted()), "events delivered from memory")
    world.send(f"endpoint={receiver.url}", "track=2", "close=2000")
    check(os.listdir(world.spool), "the directory is not used when it is private again")
