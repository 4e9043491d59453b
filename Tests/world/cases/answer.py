"""An answer that cannot be read for a while: nothing is sent, and nothing that others have recorded is erased.

A program without a descriptor left once took its own want for a withdrawal, and the tool's whole spool went."""
import concurrent.futures
import itertools
import os
import subprocess

from stage import wait_until
from records import of_both
from suite import Skipped, check, check_equal, test
from world import NOW_MS, TOOL, World


@of_both("answer/unreadable", "A18 E12")
def unreadable(world):
    """While the answer is no file a program sends nothing and is off; the events wait, and go when it can be read again."""
    receiver = world.receiver()
    child = world.start(f"endpoint={receiver.url}", "track=3", f"await={world.path('go')}", "close=2000")
    wait_until(lambda: world.counted()["recorded"] == 3, "three are recorded")
    answer = world.path("home", ".config", "telemetry", TOOL, "enabled")
    os.rename(answer, answer + ".away")
    os.mkdir(answer)
    world.go()
    check_equal(0, child.process.wait(30), "exit code of the program")
    check_equal([], receiver.requests(), "requests")
    os.rmdir(answer)
    os.rename(answer + ".away", answer)
    world.expect(3, pending=3)
    world.recover(receiver.url)
    world.expect(3, delivered=3)


@of_both("answer/withdrawn", "A18 E12")
def withdrawn(world):
    """Beside it: where the answer can be read and is no, what waits is erased."""
    receiver = world.receiver()
    child = world.start(f"endpoint={receiver.url}", "track=3", f"await={world.path('go')}", "close=2000")
    wait_until(lambda: world.counted()["recorded"] == 3, "three are recorded")
    with open(world.path("home", ".config", "telemetry", TOOL, "enabled"), "w") as file:
        file.write("false\n")
    world.go()
    check_equal(0, child.process.wait(30), "exit code of the program")
    check_equal([], receiver.requests(), "requests")
    world.expect(3, withdrawn=3)


# Changes an answer by itself, and says how many milliseconds later the collector is off; -1: not within three seconds.
CHANGER = NOW_MS + r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_load_manifest(options, arguments[1]);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    if (count != 4 || collector == NULL)
        return 1;
    for (int i = 0; i < 3; i++)
        telemetry_track(collector, TELEMETRY_FEATURE_USED, "e", NULL, 0);
    /* Beyond the look that the first event had. */
    usleep(300000);
    if (!telemetry_enabled(collector))
        return 2;
    double start = now_ms();
    if (system(arguments[2]) != 0)
        return 3;
    bool by_track = strcmp(arguments[3], "track") == 0, is_on = true;
    while (is_on && now_ms() - start < 3000) {
        usleep(10000);
        is_on = by_track ? telemetry_track(collector, TELEMETRY_FEATURE_USED, "later", NULL, 0) != TELEMETRY_DISABLED
                         : telemetry_enabled(collector);
    }
    printf("%.0f\n", is_on ? -1 : now_ms() - start);
    telemetry_close(collector, 2000);
    return 0;
}
"""

# What is typed into a shell, and whether it says no: what waits is erased then, and kept while nobody can tell.
BY_HAND = (
    ("echo false >$A", True), ("printf false >$A", True), ("rm $A", True), ("rm -r ~/.config", True), ("echo false >$A~ && mv $A~ $A", True),
    ("install -D -m 600 /dev/null $C/_all/enabled && echo false >$C/_all/enabled", True),
    ("chmod 666 $A", False), (": >$A", False), ("echo maybe >$A", False), ("mv $A $A.away && ln -s $A.away $A", False),
    ("mv $A $A.away && mkdir $A", False), ("chown 12345 $A", False),
)
# The same in the tool's own configuration, where nobody has answered for telemetry alone.
BY_CONFIG = (
    ("echo 'telemetry: {enabled: false}' >$T", True), ("rm $T", True), ("echo '{}' >$T.new && mv $T.new $T", True),
    ("echo 'telemetry: {enabled: maybe}' >$T", False), (": >$T && echo '[' >$T", False), ("chmod 666 $T", False),
    ("mv $T $T.away && ln -s gone $T", False), ("echo 'telemetry: {enabled: false}' >$T.real && ln -sf $T.real $T", True),
)


def change_by_hand(world, command, says_no, way, mode, config=False, wrapper=()):
    """A program sees what was done to the answer within a second; the three events are erased or wait."""
    with World(world.shared) as own:
        receiver = own.receiver()
        sections = {"delivery": {"mode": mode, "flush_interval_ms": 60000}}
        if config:
            sections["config"] = {"file": "itest.yaml", "key": "telemetry.enabled"}
            with open(own.path("home", ".config", "itest.yaml"), "w") as file:
                file.write("telemetry: {enabled: true}\n")
            os.remove(own.path("home", ".config", "telemetry", TOOL, "enabled"))
        own.manifest(receiver.url, sections)
        places = {"A": own.path("home", ".config", "telemetry", TOOL, "enabled"), "C": own.path("home", ".config", "telemetry"),
                  "T": own.path("home", ".config", "itest.yaml")}
        program = own.program("changer", CHANGER)
        done = own.run([*wrapper, program, own.manifest_file, command, way], environment=places)
        check(0 <= int(done.stdout) < 1000, f"{command}: off after {done.stdout.strip()} ms, {way}, {mode}")
        check_equal([], receiver.requests(), f"requests, {command}")
        events = own.status()["events"]
        waiting, withdrawn = events["pending"], events["dropped_by_reason"].get("withdrawn", 0)
        check((waiting == 0) == says_no and withdrawn + waiting == events["recorded"] >= 3, f"{command}: {events}")


def each_change(world, changes, **options):
    """Both ways to ask and both modes in turn."""
    turns = itertools.cycle(itertools.product(("enabled", "track"), ("in-process", "detached")))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: change_by_hand(world, *each[0], *each[1], **options), zip(changes, turns)))


@test("answer/by-hand", "A18")
def by_hand(world):
    """Written, replaced, removed, emptied or made foreign beside a running program, the answer is seen within a second."""
    each_change(world, BY_HAND)


@test("answer/by-config", "A9 A18")
def by_config(world):
    """The same where the tool's own configuration decides."""
    each_change(world, BY_CONFIG, config=True)


@test("answer/by-policy", "A10 A18")
def by_policy(world):
    """The same of the administrator's policy."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skipped("only root can have an /etc of its own")
    # /etc as it is, in memory.
    os.mkdir(world.path("etc"))
    wrapper = ["unshare", "-m", "sh", "-ec", 'mount -t tmpfs none "$0"; cp -a /etc/. "$0"; mount --bind "$0" /etc; rm -rf /etc/telemetry; '
               'mkdir /etc/telemetry; exec "$@"', world.path("etc")]
    each_change(world, (("echo 'telemetry: off' >/etc/telemetry/policy.yaml", True), ("echo 'tools: {itest: off}' >/etc/telemetry/policy.yaml", True),
                        ("echo 'telemetry: [' >/etc/telemetry/policy.yaml", False)), wrapper=wrapper)


@test("answer/no-refusal", "A13 A18")
def no_refusal(world):
    """A project's no, in a directory that the program enters later, holds for the program; what waits is the user's, and is kept."""
    os.makedirs(world.path("project"))
    with open(world.path("project", "p.yaml"), "w") as file:
        file.write("telemetry: {enabled: false}\n")
    os.remove(world.path("home", ".config", "telemetry", TOOL, "enabled"))
    with open(world.path("home", ".config", "itest.yaml"), "w") as file:
        file.write("telemetry: {enabled: true}\n")
    receiver = world.receiver()
    world.manifest(receiver.url, {"delivery": {"mode": "in-process", "flush_interval_ms": 60000},
                                  "config": {"file": "itest.yaml", "key": "telemetry.enabled", "project_file": "p.yaml"}})
    program = world.program("changer", CHANGER)
    done = world.run([program, world.manifest_file, f"cp {world.path('project', 'p.yaml')} p.yaml", "enabled"])
    check(0 <= int(done.stdout) < 1000, f"off after {done.stdout.strip()} ms")
    os.remove(world.path("p.yaml"))
    world.expect(3, pending=3)
