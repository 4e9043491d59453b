"""Another process is stopped with a lock of the spool in its hands: nobody waits for it longer than promised, and it loses
its claim to deliver. Elsewhere one Ctrl-Z in the wrong moment silences a tool until the next start of the machine."""
import concurrent.futures
import fcntl
import json
import os
import signal
import struct
import subprocess
import time

import faults
from stage import TOOL, Child, wait_until
from records import EVENTS, SPANS, of_both
from suite import check, check_equal
from world import BUILD, NOW_MS, World

SOURCE = NOW_MS + r"""
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>

int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_load_manifest(options, arguments[count - 1]);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    double longest = 0;
    int bad = 0;
    for (int i = 0; i < 5000; i++) {
        double start = now_ms();
        bad += put(collector, "e", NULL, 0) != 0;
        if (now_ms() - start > longest)
            longest = now_ms() - start;
    }
    double start = now_ms();
    telemetry_close(collector, 50);
    printf("%d %.1f %.1f\n", bad, longest, now_ms() - start);
    return 0;
}
"""


@of_both("held-locks/in-time", "E9 E11 E12")
def in_time(world):
    """control or deliver.lock is held by another: track waits for nobody, close(50) ends in 100 ms, nothing is lost."""
    program = world.program("host", SOURCE)
    for mode in ("in-process", "detached"):
        for name in ("control", "deliver.lock", "detached.lock"):
            receiver = world.receiver()
            world.manifest(receiver.url, sections={"delivery": {"mode": mode}})
            world.record("first")
            world.telemetry("deliver", "--now", expected=None)
            # The worst of a run is the machine's as well: what is promised was kept by the best of several.
            times = []
            with open(os.path.join(world.spool, name), "a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                for _ in range(5):
                    bad, longest, close = world.run([program, world.manifest_file]).stdout.split()
                    check_equal("0", bad, f"refused events, {mode}, {name}")
                    times.append((float(longest), float(close)))
            # A wait would be one of 200 ms or more; what is less is the machine.
            check(min(each[0] for each in times) < 150, f"the longest track and close in ms, {mode}, {name}: {times}")
            check(min(each[1] for each in times) <= 100, f"the longest track and close in ms, {mode}, {name}: {times}")
            world.telemetry("deliver", "--now", expected=None)
            events = world.counted()
            check_equal((25001, 25001), (events["recorded"], events["delivered"]), f"recorded and delivered, {mode}, {name}: {events}")
            world.helper("reset", expected=None)
            world.helper("enable")


@of_both("held-locks/helper-in-time", "B5 E9 E12")
def helper_in_time(world):
    """`track` and `command` leave their event and end while another keeps the lock: in 150 ms more than without. Nothing is lost."""
    for mode in (None, "in-process", "detached"):
        with World(world.shared, world.records) as own:
            if mode is not None:
                own.manifest(own.receiver().url, sections={"delivery": {"mode": mode}})
            own.record("first")
            commands = COMMANDS[own.records]

            def best(command):
                times = []
                for _ in range(5):
                    start = time.monotonic()
                    # A program to run comes last.
                    own.run([f"{BUILD}/bin/telemetry", command[0], "--tool", TOOL, *command[1:]])
                    times.append(time.monotonic() - start)
                return min(times) * 1000

            usual = [best(command) for command in commands]
            with open(os.path.join(own.spool, "control"), "a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                held = [best(command) for command in commands]
            check(all(each <= before + 150 for each, before in zip(held, usual)), f"ms with and without the lock, {mode}: {held}, {usual}")
            own.telemetry("deliver", "--now", expected=None)
            wait_until(lambda: own.counted()["pending"] == 0, "the delivery")
            events = own.counted()
            check_equal((31, 31, 0), (events["recorded"], events["delivered"], events["dropped"]), f"recorded, delivered and dropped, {mode}: {events}")


# Preloaded: from the moment that the lease is had, the STOP_AT-th call that changes or asks something stops the process.
STOPPER = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
static int is_delivering, calls;
static void step(void)
{
    if (is_delivering && getenv("STOP_AT") != NULL && ++calls == atoi(getenv("STOP_AT")))
        raise(SIGSTOP);
}
#define REAL(name) static __typeof__(name) *real; if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name); step()
int flock(int file, int operation)
{
    REAL(flock);
    int result = real(file, operation);
    char link[64], path[512] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (result == 0 && readlink(link, path, sizeof path - 1) > 0 && strstr(path, "/deliver.lock") != NULL && operation != LOCK_UN)
        is_delivering = 1;
    return result;
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) { REAL(pwrite); return real(file, bytes, count, offset); }
ssize_t pread(int file, void *bytes, size_t count, off_t offset) { REAL(pread); return real(file, bytes, count, offset); }
ssize_t write(int file, const void *bytes, size_t count) { REAL(write); return real(file, bytes, count); }
ssize_t send(int file, const void *bytes, size_t count, int flags) { REAL(send); return real(file, bytes, count, flags); }
int fstatat(int directory, const char *path, struct stat *status, int flags) { REAL(fstatat); return real(directory, path, status, flags); }
int unlinkat(int directory, const char *path, int flags) { REAL(unlinkat); return real(directory, path, flags); }
int renameat(int from, const char *old, int to, const char *new) { REAL(renameat); return real(from, old, to, new); }
int ftruncate(int file, off_t length) { REAL(ftruncate); return real(file, length); }
"""

# Of the helper, each of which records one.
COMMANDS = {EVENTS: (["track", "e"], ["command", "--", "true"], ["command", "e", "--duration-ms", "1", "--exit-code", "0"]),
            SPANS: (["span", "--", "true"], ["span", "--name", "e", "--attribute", "a=b", "--", "true"], ["span", "--parent", "none", "--", "true"])}
MODES, GUARANTEES = ("helper", "detached", "in-process"), ("at-least-once", "at-most-once")


def is_stopped(pid):
    """By a signal; proc_pid_stat(5)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


def age(world, name="deliver.lease"):
    """What its holder has said last was said long ago."""
    try:
        with open(os.path.join(world.spool, name), "r+b") as file:
            beat, = struct.unpack("<q", file.read(8))
            file.seek(0)
            file.write(struct.pack("<q", beat - 11_000_000_000))
    except (OSError, struct.error):
        pass  # it was stopped before it said anything


def parallel(function, *arguments):
    """All of the calls, three at a time; what they returned."""
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        return list(pool.map(function, *arguments))


def dropped(world):
    return world.records.counts(world.status(), world.spool)[3]


class Scene:
    """Events or spans of a program that is gone, which a process is about to deliver that will be stopped."""

    def __init__(self, world, mode, guarantee, answer, sections=None, **backend):
        self.world, self.mode = world, mode
        self.receiver = world.receiver(answer)
        self.sections = {"delivery": {"mode": "detached" if mode == "detached" else "in-process", "guarantee": guarantee}, **(sections or {})}
        world.manifest(self.receiver.url, sections=self.sections, timeout_ms=60000, **backend)
        self.recorded = 5
        # Of another size: a program to come goes on with none of these segments.
        world.send(f"manifest={world.manifest_file}", "segment=65536", "track=5", "exit=0")

    def start(self, **environment):
        """The process that is to be stopped; its number."""
        environment = {**self.world.environment, **environment}
        if self.mode == "in-process":
            self.recorded += 5
            actions = [self.world.shared.sender, *self.world.records.actions, f"manifest={self.world.manifest_file}", "track=5", "flush=60000", "close=1000"]
        else:
            actions = [f"{BUILD}/bin/telemetry", "deliver", "--tool", TOOL, *(["--now"] if self.mode == "helper" else [])]
        self.child = self.world.closes(Child(actions, environment, self.world.root))
        return self.child.process.pid

    def stop(self):
        """In the middle of a send that is not answered."""
        pid = self.start()
        wait_until(lambda: self.receiver.requests(), "a request")
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: is_stopped(pid), "the stop")
        self.receiver.mode("/status/200")

    def wake(self):
        self.child.process.send_signal(signal.SIGCONT)
        self.child.process.communicate(timeout=60)

    def check_kept(self, guarantee):
        """Every event counted once, sent once or at most once, and with a sound log of copies."""
        world, events = self.world, self.world.counted()
        ids = [world.records.identity(event) for request in self.receiver.requests() for event in json.loads(request["body"] or "[]")]
        text = f"{events}, {len(ids)} received"
        check_equal(self.recorded, events["recorded"], f"recorded: {text}")
        check_equal(self.recorded, events["delivered"] + events["dropped"] + events["pending"], f"the sum: {text}")
        check_equal(0, events["pending"], f"pending: {text}")
        if guarantee == "at-most-once":
            check_equal(len(set(ids)), len(ids), f"events received twice: {text}")
            check_equal(events["dropped"], dropped(world).get("unconfirmed", 0), f"unconfirmed: {text}")
        else:
            check_equal((self.recorded, self.recorded), (events["delivered"], len(set(ids))), f"delivered: {text}")
        world.telemetry("show", "--sent", "--verify", *world.records.options)


def taken_over(scene):
    """A process that comes later delivers what the stopped one was to deliver."""
    done = scene.world.telemetry("deliver", "--now", "--time-limit-ms", "30000", expected=None)
    check_equal(0, done.returncode, f"exit code of deliver, {scene.mode}: {done.stderr}")


@of_both("held-locks/stopped-sender", "E8 E11")
def stopped_sender(world):
    """A process is stopped while it sends: ten seconds later its claim is another's, and awake it touches nothing of it."""
    def run(case):
        mode, guarantee = case
        with World(world.shared, world.records) as own:
            scene = Scene(own, mode, guarantee, "/hang")
            scene.stop()
            begin = time.monotonic()
            taken_over(scene)
            check(time.monotonic() - begin > 5, f"its claim went at once, {case}")
            events = own.counted()
            lost = 5 if guarantee == "at-most-once" else 0
            check_equal((5 - lost, lost), (events["delivered"], events["dropped"]), f"delivered and dropped beside it, {case}: {events}")
            scene.wake()
            own.telemetry("deliver", "--now")
            scene.check_kept(guarantee)
    modes = MODES if world.records is EVENTS else MODES[:1]
    parallel(run, [(mode, guarantee) for mode in modes for guarantee in GUARANTEES])


@of_both("held-locks/every-step", "E8 E11")
def every_step(world):
    """A process that delivers is stopped at each of its steps in turn, its claim taken, and woken: nothing is lost or counted twice."""
    stopper = world.preload("stopper", STOPPER)

    def run(case):
        step, guarantee, kind = case
        with World(world.shared, world.records) as own:
            sections = {"backends": [{"name": "log", "kind": "file"}, {"name": "far", "kind": world.records.kind, "endpoint": "URL"}]}
            scene = Scene(own, "helper", guarantee, "/status/200")
            if kind == "several":
                sections["backends"][1]["endpoint"] = scene.receiver.url
                own.manifest("", sections={**scene.sections, **sections})
            pid = scene.start(LD_PRELOAD=stopper, STOP_AT=str(step))
            wait_until(lambda: is_stopped(pid) or scene.child.process.poll() is not None, "stop or end")
            if scene.child.process.poll() is not None:
                return None
            age(own)
            taken = own.telemetry("deliver", "--now", "--time-limit-ms", "1500", expected=None).returncode == 0
            scene.wake()
            own.telemetry("deliver", "--now")
            scene.check_kept(guarantee)
            if kind == "several":
                # At most once, it may have been stopped before the log was made.
                log = os.path.join(own.spool, own.records.log)
                lines = 0
                if os.path.exists(log):
                    with open(log) as file:
                        lines = len(file.readlines())
                check(lines <= 5 if guarantee == "at-most-once" else lines >= 5, f"lines of the log: {lines}, {case}")
            return taken
    # Spans have a file more when they are open, and nothing of their own in the steps of a send.
    steps = {"one": 3, "several": 7} if world.records is EVENTS else {"several": 11}
    for kind in steps:
        for guarantee in GUARANTEES:
            results = parallel(run, [(step, guarantee, kind) for step in range(3, 120, steps[kind])])
            stops = [result for result in results if result is not None]
            check(len(stops) > 5 and sum(stops) > len(stops) // 3, f"stops, and claims taken: {results}")


@of_both("held-locks/detached", "E8 E9")
def detached(world):
    """A detached process is stopped: a short run starts another one, which takes the claim."""
    scene = Scene(world, "detached", "at-least-once", "/hang")
    world.record("x", environment={"PATH": "/usr/bin:/bin"})
    scene.recorded += 1
    wait_until(lambda: scene.receiver.requests() and world.processes(), "a request")
    pid, = world.processes()
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: is_stopped(pid), "the stop")
    scene.receiver.mode("/status/200")
    age(world)
    age(world, "detached.lock")
    world.record("y")
    scene.recorded += 1
    wait_until(lambda: world.counted()["pending"] == 0, "the delivery by another process")
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not world.processes(), "the end of the first")
    scene.check_kept("at-least-once")


@of_both("held-locks/refusal", "A18")
def refusal(world):
    """A sender was stopped: after disable, and after reset, nothing that waited is in any file, and nothing comes of it awake."""
    def run(case):
        mode, command = case
        with World(world.shared, world.records) as own:
            scene = Scene(own, mode, "at-least-once", "/hang")
            scene.stop()
            done = own.telemetry(command, expected=9)
            check("what waited is erased" in done.stderr and f"kill -9 {scene.child.process.pid}" in done.stderr, done.stderr)
            found = subprocess.run(["grep", "-rl", "sequence", os.path.dirname(own.spool)], capture_output=True, text=True).stdout
            check_equal("", found, f"files with events, {case}")
            scene.wake()
            asked = ["data.deletion_request" in str(each["body"]) for each in scene.receiver.requests()]
            # The stopped sender's request has begun, so its receiver may have it.
            expected = [False, True] if command == "reset" and own.records is EVENTS else [False]
            check_equal(expected, sorted(asked), f"requests that ask for erasure, {case}")
            if command == "disable":
                events = own.counted()
                check_equal((scene.recorded, scene.recorded), (events["recorded"], dropped(own).get("withdrawn", 0)), f"{case}: {events}")
    parallel(run, [(mode, command) for mode in MODES for command in ("disable", "reset")])


@of_both("held-locks/refused-by-hand", "E9 A18")
def refused_by_hand(world):
    """control is held by another when the worker finds the preference withdrawn: close(50) does not wait for what that erases."""
    times = []
    for _ in range(5):
        with World(world.shared, world.records) as own:
            scene = Scene(own, "in-process", "at-least-once", "/hang")
            child = own.start(f"manifest={own.manifest_file}", "track=5", "await=go", "close=50")
            wait_until(lambda: own.counted()["recorded"] == 10, "the events")
            with open(os.path.join(own.spool, "control"), "a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                with open(own.path("home", ".config", "telemetry", TOOL, "enabled"), "w") as preference:
                    preference.write("false\n")
                own.go()
                out, _ = child.process.communicate(timeout=60)
            times.append(float(out.split()[2]))
            check_equal(0, len(scene.receiver.requests()), "requests")
    check(min(times) <= 100, f"close(50) in ms: {times}")


@of_both("held-locks/other-version", "E8")
def other_version(world):
    """A holder that never says that it is alive, as of an older version: it keeps its claim, whatever a killed one before it has left."""
    scene = Scene(world, "helper", "at-most-once", "/hang")
    scene.stop()
    scene.child.process.kill()
    scene.child.process.communicate()
    age(world)
    name = os.path.join(world.spool, "deliver.lock")
    with open(name, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        world.telemetry("deliver", "--now", "--time-limit-ms", "1500", expected=4)
        check(os.path.samestat(os.stat(name), os.fstat(file.fileno())), "its lock was taken away")
    world.telemetry("deliver", "--now")
    scene.check_kept("at-most-once")


KEPT = r"""
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>
#include <unistd.h>
int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_load_manifest(options, arguments[1]);
    telemetry_collector *collector = telemetry_open(options);
    for (int i = 0; i < 5; i++) put(collector, "kept", NULL, 0);
    if (count > 2) {
        printf("%d\n", telemetry_flush(collector, 5000));
        fflush(stdout);
        _exit(0);
    }
    return telemetry_close(collector, 0);
}
"""


@of_both("held-locks/counts-kept", "E12")
def counts_kept(world):
    """Events are delivered while another process holds the lock of `control`, and the program ends without close: they are
    counted all the same."""
    program = world.program("kept", KEPT)
    receiver = world.receiver()
    world.manifest(receiver.url)
    world.record("first")
    world.telemetry("deliver", "--now")
    with open(os.path.join(world.spool, "control"), "rb") as control:
        fcntl.flock(control, fcntl.LOCK_EX)
        check_equal("0\n", world.run([program, world.manifest_file, "flush"]).stdout, "flush")
    world.helper("deliver", "--now")
    world.expect(6, delivered=6)


# There is no room for a segment of full size, so that events are in memory until the end; and another process takes the first
# files that are made for them in the instant in which they are made, before they are locked, for what a dead one has left.
TAKEN = r"""

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
int posix_fallocate(int file, off_t start, off_t length)
{
    static int (*real)(int, off_t, off_t);
    if (real == NULL) real = (int (*)(int, off_t, off_t))dlsym(RTLD_NEXT, "posix_fallocate");
    return length >= 262144 ? ENOSPC : real(file, start, length);
}
int openat(int directory, const char *path, int flags, ...)
{
    static int (*real)(int, const char *, int, ...);
    static int made;
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    if (real == NULL) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
    int file = real(directory, path, flags, mode);
    if (file >= 0 && flags & O_EXCL && strstr(path, ".seg") != NULL && ++made >= 2 && made <= 5) unlinkat(directory, path, 0);
    return file;
}
"""


@of_both("held-locks/taken-when-made", "E3 E12")
def taken_when_made(world):
    """What was in memory is saved at close though another process takes the file for a dead one's before it is locked."""
    program = world.program("kept", KEPT)
    world.manifest(f"http://127.0.0.1:{faults.free_port()}/nobody", {"delivery": {"mode": "detached"}})
    world.run([program, world.manifest_file], environment={"LD_PRELOAD": world.preload("taken", TAKEN)}, expected=None)
    world.expect(5, pending=5)
