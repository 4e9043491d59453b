"""A spool that is there and cannot be written to: a home that is mounted read-only, files that belong to another user, modes.

Elsewhere: what cannot be opened for writing is said to be empty, and is sent once it can. Here a look needs nothing but to read;
where that is impossible too, nobody says "none", and what a refusal could not erase is not sent after the next yes."""
import json
import os
import subprocess

from records import EVENTS, SPANS, of_both
from suite import Skipped, check, check_equal
from world import TOOL, USER

WAITING = 5
ON = {"ITEST_TELEMETRY_ENABLED": "1"}
STATISTICS = r"""
#include <stdio.h>
#include <telemetry.h>
int main(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_collector *collector = telemetry_open(options);
    telemetry_statistics counts = { .size = sizeof counts };
    telemetry_status status = telemetry_get_statistics(collector, &counts);
    printf("%d %llu %d\n", status, (unsigned long long)counts.pending, telemetry_flush(collector, 1000));
    telemetry_close(collector, 0);
    return 0;
}
"""


class Home:
    """A user's home, with events that wait for a receiver."""

    def __init__(self, world, name, user=USER):
        if os.geteuid() != 0:
            raise Skipped("only root can be another user")
        self.world, self.user = world, user
        self.path = world.path(name)
        self.state = world.spool_in(f"{self.path}/.local/state")
        # What a refusal says is said of all that the tool has.
        self.tool = f"{self.path}/.local/state/telemetry/{TOOL}"
        self.waiting = f"the {WAITING} {world.records} that wait in"
        self.receiver = world.receiver()
        self.receiver.mode("/status/503")
        os.makedirs(f"{self.path}/.local/share/telemetry/tools", exist_ok=True)
        with open(f"{self.path}/.local/share/telemetry/tools/{TOOL}.yaml", "w", encoding="utf-8") as file:
            json.dump({"tool": {"name": TOOL}, "identity": {"ephemeral": "never"}, "delivery": {"mode": "in-process"},
                       "backend": {"kind": world.records.kind, "endpoint": self.receiver.url}}, file)
        subprocess.run(["chown", "-R", f"{user}:{user}", self.path], check=True)
        self.telemetry("enable")
        for _ in range(WAITING):
            self.world.record("x", user=self.user, environment={"HOME": self.path})

    def telemetry(self, *words, expected=0, **environment):
        return self.world.telemetry(*words, user=self.user, expected=expected, environment={"HOME": self.path, **environment})

    def is_seen(self):
        """All that looks says what waits."""
        self.waits()
        options = self.world.records.options
        check_equal(WAITING, len(self.telemetry("show", "--json", *options).stdout.splitlines()), "shown")
        check('"x"' in self.telemetry("show", "--wire", *options).stdout, "wire")
        if self.world.records is EVENTS:
            # The numbers of a program are those of its events.
            program = self.world.program("statistics", STATISTICS)
            done = self.world.run([program], user=self.user, environment={"HOME": self.path})
            check_equal(f"0 {WAITING} -50", done.stdout.strip(), "statistics and flush of a program")
        flushed = self.telemetry("flush", expected=5)
        check("not delivered: " + self.state in flushed.stderr, f"flush: {flushed.stderr}")

    def waits(self):
        said = json.loads(self.telemetry("status", "--json").stdout)[self.world.records.name]
        check_equal(WAITING, said["pending"], f"status: {said}")

    def is_unknown(self):
        """Nothing that looks says that nothing waits."""
        if self.world.records is SPANS:
            return  # status and show say it of events
        text = self.telemetry("status").stdout
        check("cannot be looked at: " in text and "unknown" in text and "none yet" not in text, f"status: {text}")
        answer = json.loads(self.telemetry("status", "--json").stdout)
        check_equal(("unknown", None), (answer["spool"]["storage"], answer["events"]), "status --json")
        for words in (["show"], ["show", "--wire"]):
            check("can be looked at: " in self.telemetry(*words, expected=5).stderr, f"{words}")
        check("cannot be looked at" in self.telemetry("doctor", "--offline", expected=8).stdout, "doctor")

    def refuses(self, word, code, phrase):
        """disable and reset say what stays."""
        done = self.telemetry(word, expected=None)
        check_equal(code, done.returncode, f"{word}: {done.stderr}")
        check(phrase in done.stderr and self.tool in done.stderr, f"{word}: {done.stderr}")

    def sends(self, expected):
        self.receiver.mode("/status/200")
        before = len(self.receiver.accepted())
        self.telemetry("deliver", "--now", expected=None)
        check_equal(expected, len(self.receiver.accepted()) - before, "events that left")


@of_both("unwritable/read-only", "A18 B1 P30")
def read_only(world):
    """A home that is mounted read-only."""
    disk = world.small_disk("disk", 8192)
    os.chmod(disk, 0o755)
    home = Home(world, "disk")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    home.is_seen()
    for word in ("disable", "reset"):
        home.refuses(word, 5, home.waiting)


@of_both("unwritable/control", "A18 B1 P30")
def control(world):
    """Only the control file is closed: what a refusal could not erase is not sent after the next yes, nor kept from being erased by it."""
    home = Home(world, "home")
    os.chmod(f"{home.state}/control", 0o400)
    home.is_seen()
    home.refuses("disable", 9, home.waiting)
    done = home.telemetry("enable", expected=5)
    check("telemetry stays off" in done.stderr, f"enable: {done.stderr}")
    os.chmod(f"{home.state}/control", 0o600)
    home.telemetry("enable")
    home.sends(0)


@of_both("unwritable/foreign", "A18 B1 P30")
def foreign(world):
    """The control file, or all of it, is root's."""
    for number, name in enumerate(("control", "")):
        home = Home(world, f"home-{number}")
        os.chown(f"{home.state}/{name}", 0, 0)
        home.is_unknown()
        home.refuses("disable", 9, "what waits in")
        os.chown(f"{home.state}/{name}", USER, USER)
        home.telemetry("enable")
        home.sends(0)


@of_both("unwritable/modes", "A18 B1 P30")
def modes(world):
    """A directory that nobody may enter, and one that all may write to."""
    home = Home(world, "home")
    os.chmod(home.state, 0)
    home.is_unknown()
    os.chmod(home.state, 0o770)
    home.waits()
    os.chmod(home.state, 0o700)
    home.sends(WAITING)


@of_both("unwritable/segment", "B1")
def segment(world):
    """A segment that cannot be read is said to be there."""
    home = Home(world, "home")
    for name in os.listdir(home.state):
        if name.endswith(".seg"):
            os.chmod(f"{home.state}/{name}", 0)
    if world.records is EVENTS:
        check("not all of it can be looked at: Permission denied" in home.telemetry("status").stdout, "status")
    check("not all that waits in" in home.telemetry("show", *world.records.options, expected=5).stderr, "show")


@of_both("unwritable/deliver-lock", "A18 P31")
def deliver_lock(world):
    """deliver.lock is another's, a directory or a link: the file and what is wrong with it are named, and no process."""
    for number, reason in enumerate(("Permission denied", "Is a directory", "Too many levels of symbolic links")):
        home = Home(world, f"home-{number}")
        lock = f"{home.state}/deliver.lock"
        if os.path.exists(lock):
            os.remove(lock)
        if number == 0:
            os.close(os.open(lock, os.O_CREAT | os.O_WRONLY, 0o600))
        elif number == 1:
            os.mkdir(lock)
        else:
            os.symlink("elsewhere", lock)
        done = home.telemetry("disable", expected=9)
        check(f"{lock}: {reason}" in done.stderr and "process, which" not in done.stderr, f"disable: {done.stderr}")
        home.telemetry("enable")
        home.sends(0)
