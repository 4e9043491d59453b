"""The way out: a user who says no is heard, whatever state the home is in, or is told what still sends and how to end it.

Elsewhere the switch is a file in a directory that a full disk, a foreign owner or a read-only home keeps from being
written, and the program goes on sending while the command says "error"."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from stage import TOOL, Child, wait_until
from records import of_both
from suite import check, check_equal, test
from world import BUILD, USER, World

UNCONFIRMED, SYSTEM = 9, 5

# The first identifier is put in place while the spool is being made: it waits there until the file GO exists.
HELD = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
int linkat(int from, const char *old, int to, const char *new, int flags)
{
    int (*next)(int, const char *, int, const char *, int);
    *(void **)&next = dlsym(RTLD_NEXT, "linkat");
    close(open(getenv("REACHED"), O_CREAT | O_CLOEXEC, 0600));
    for (int i = 0; i < 6000 && access(getenv("GO"), F_OK) != 0; i++) usleep(5000);
    return next(from, old, to, new, flags);
}
"""

SETTER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>
int main(int count, char **arguments)
{
    telemetry_options *o = telemetry_options_new("itest", "1");
    if (count > 1) telemetry_options_load_manifest(o, arguments[1]);
    printf("%d\n", (int)telemetry_set_preference(o, false));
    telemetry_options_free(o);
    return 0;
}
"""


def sends(world, **options):
    """What a program that has its receiver in its code sends when it runs now."""
    receiver = world.receiver()
    program = [world.shared.sender, *world.records.actions, f"code={receiver.url}", "try=2", "close=3000"]
    shared = world.shared.directory
    for directory in (shared, world.shared.certificates):
        os.chmod(directory, 0o755)
    world.run(program, **options)
    return len(receiver.accepted())


def own_home(world):
    """The home and what is in it belong to a user who is not root."""
    home = world.path("home")
    for directory, names, files in os.walk(home):
        for each in [directory] + [os.path.join(directory, name) for name in names + files]:
            os.lchown(each, USER, USER)
    return home


def refusals(world, **options):
    """Each way of refusing; a check that nothing is sent follows each."""
    setter = world.program("setter", SETTER)
    yield "disable", lambda: world.telemetry("disable", expected=None, **options)
    yield "reset", lambda: world.telemetry("reset", expected=None, **options)
    yield "disable --all", lambda: world.run([f"{BUILD}/bin/telemetry", "disable", "--all"], expected=None, **options)
    yield "telemetry_set_preference", lambda: world.run([setter], expected=None, **options)


def agree(world, user=None):
    """As at the beginning: a yes, and nothing else."""
    directory = world.path("home", ".config", "telemetry")
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(os.path.join(directory, TOOL), 0o700)
    with open(os.path.join(directory, TOOL, "enabled"), "w") as file:
        file.write("true\n")
    os.chmod(file.name, 0o600)
    if user is not None:
        own_home(world)


@of_both("wayout/closed-local", "A18")
def closed_local(world):
    """~/.local may not be entered: each refusal is stored, and a C program is off."""
    for name, refuse in refusals(world, user=USER):
        agree(world, USER)
        shutil.rmtree(world.path("home", ".local"), ignore_errors=True)
        os.mkdir(world.path("home", ".local"), 0o700)
        check_equal(2, sends(world, user=USER), f"events before {name}")
        done = refuse()
        if name == "telemetry_set_preference":
            check_equal("-30", done.stdout.strip(), "status: stored, and what waits could not be erased")
        else:
            check_equal(UNCONFIRMED, done.returncode, f"exit code of {name} ({done.stderr})")
            check("the refusal is stored" in done.stderr, done.stderr)
        check_equal(0, sends(world, user=USER), f"events after {name}")


@of_both("wayout/full-disk", "A18")
def full_disk(world):
    """No byte is free: the refusal takes the place of the yes, which needs no room."""
    small = world.small_disk("small", 300)
    home = world.path("home")
    for name, refuse in refusals(world, environment={"HOME": small}):
        for entry in os.listdir(small):
            path = os.path.join(small, entry)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        shutil.copytree(os.path.join(home, ".config"), os.path.join(small, ".config"))
        world.fill(small)
        check_equal(2, sends(world, environment={"HOME": small}), f"events before {name}")
        done = refuse()
        check_equal(0, done.returncode, f"exit code of {name} ({done.stderr})")
        check_equal(0, sends(world, environment={"HOME": small}), f"events after {name}")


@test("wayout/open-config", "A18")
def open_config(world):
    """Directories of the answer that others can write to, or that nothing can be made in, take a refusal."""
    directory = world.path("home", ".config", "telemetry", TOOL)
    for mode in (0o777, 0o500):
        for name, refuse in refusals(world, user=USER):
            os.chmod(directory, 0o700)
            agree(world, USER)
            os.chmod(directory, mode)
            if name == "disable --all":
                os.chmod(os.path.dirname(directory), mode)
            done = refuse()
            check_equal(0, sends(world, user=USER), f"events after {name} in a directory of mode {mode:o} ({done.stderr})")
            check(name == "disable --all" or done.returncode == 0, f"{name}: {done.returncode} ({done.stderr})")
            os.chmod(os.path.dirname(directory), 0o700)


@test("wayout/damaged", "A18")
def damaged(world):
    """A manifest that cannot be read or understood, a damaged spool, an answer that is none: off all the same."""
    state = world.spool

    def no_manifest(content, mode=0o644):
        os.makedirs(os.path.dirname(world.manifest_file), exist_ok=True)
        with open(world.manifest_file, "w") as file:
            file.write(content)
        os.chmod(file.name, mode)

    def control(content):
        os.makedirs(state, exist_ok=True)
        with open(os.path.join(state, "control"), "wb") as file:
            file.write(content)
        os.chmod(file.name, 0o600)

    def state_is_file():
        os.makedirs(os.path.dirname(state), exist_ok=True)
        with open(state, "w"):
            pass
    for damage in (lambda: no_manifest("tool: ["), lambda: no_manifest("tool: {name: other}"), lambda: control(b"x" * 4096),
                   lambda: control(b""), lambda: control(b"y" * 100), state_is_file):
        for name, refuse in refusals(world):
            shutil.rmtree(world.path("home", ".local"), ignore_errors=True)
            agree(world)
            damage()
            done = refuse()
            check_equal(0, sends(world), f"events after {name} ({done.stderr})")
            check(done.returncode in (0, 4, UNCONFIRMED), f"{name}: {done.returncode} ({done.stderr})")


@test("wayout/broken-manifest", "A18")
def broken_manifest(world):
    """reset under a manifest that cannot be understood keeps the ids that nobody could be asked about."""
    receiver = world.receiver()
    world.manifest(receiver.url, {"deletion": {"endpoint": receiver.origin + "/deletion"}})
    world.telemetry("track", "x")
    world.telemetry("deliver", "--now")
    check_equal(1, len(receiver.accepted()), "events")
    with open(world.manifest_file, "w") as file:
        file.write("tool: [")
    done = world.telemetry("reset", expected=4)
    check("the ids are kept" in done.stderr, done.stderr)
    check(os.path.exists(os.path.join(world.spool, "past-ids")), f"{os.listdir(world.spool)}")
    os.unlink(world.manifest_file)
    check_equal(0, sends(world), "events after reset")


@test("wayout/read-only", "A18")
def read_only(world):
    """A read-only home: what still sends, and how to end it, is said; and that does end it."""
    home = world.small_disk("frozen", 300)
    shutil.copytree(world.path("home", ".config"), os.path.join(home, ".config"))
    subprocess.run(["mount", "-o", "remount,ro", home], check=True)
    frozen = {"HOME": home}
    check_equal(2, sends(world, environment=frozen), "events before")
    for name, refuse in refusals(world, environment=frozen):
        done = refuse()
        if name == "telemetry_set_preference":
            check_equal("-50", done.stdout.strip(), "status: not stored")
            continue
        check_equal(SYSTEM, done.returncode, f"exit code of {name}")
        for words in ("cannot store the preference", "Read-only file system", "go on sending", "export DO_NOT_TRACK=1"):
            check(words in done.stderr, f"{name}: {words} is not in {done.stderr}")
    check_equal(0, sends(world, environment={**frozen, "DO_NOT_TRACK": "1"}), "events with what was advised")
    check_equal(0, sends(world, environment={**frozen, "ITEST_NO_TELEMETRY": "1"}), "events with what was advised")


@test("wayout/off-all-the-same", "A18")
def off_all_the_same(world):
    """No home to store a refusal in: exit code 5, and that nothing is sent."""
    nowhere = {"HOME": world.path("nowhere")}
    done = world.telemetry("disable", expected=SYSTEM, environment=nowhere)
    check("telemetry is off nevertheless" in done.stderr, done.stderr)
    check_equal(0, sends(world, environment=nowhere), "events")
    check(not os.path.exists(world.path("nowhere")), "a home was made")


@of_both("wayout/stopped", "A18")
def stopped(world):
    """A sender was stopped while it sent: the refusal is stored, exit code 9, soon, and the process is named."""
    receiver = world.receiver("/hang")
    child = world.start(f"endpoint={receiver.url}", "timeout=60000", "track=10", "flush=60000", "close=0")
    wait_until(lambda: receiver.requests(), "a request")
    child.process.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    done = world.telemetry("disable", expected=UNCONFIRMED)
    check(time.monotonic() - begin < 10, "it waited for long")
    for words in ("the refusal is stored", f"kill -9 {child.process.pid}", "is stopped"):
        check(words in done.stderr, f"{words} is not in {done.stderr}")
    status = world.status()
    check_equal((False, 0), (status["enabled"], status[world.records.name]["pending"]), "enabled, pending")
    check_equal(0, sends(world), "events of another program")
    child.process.send_signal(signal.SIGCONT)
    child.process.wait(30)
    check_equal(1, len(receiver.requests()), "requests")


@of_both("wayout/came-and-went", "A18")
def came_and_went(world):
    """What was recorded before a no is not sent after the next yes, however the no was said and wherever the events waited."""
    answer = world.path("home", ".config", "telemetry", TOOL, "enabled")

    def by_hand(word):
        with open(answer, "w") as file:
            file.write(word + "\n")

    receiver = world.receiver("/status/503")
    # In the spool; whatever runs of the tool while the answer is no finds it.
    world.send(f"endpoint={receiver.url}", "track=7", "close=0")
    check_equal(7, world.counted()["pending"], "events that wait")
    by_hand("false")
    world.run([world.shared.sender, *world.records.actions, f"code={receiver.url}", "try=1", "close=0"])
    by_hand("true")
    receiver.mode("/status/200")
    world.send(f"endpoint={receiver.url}", "track=1", "flush=5000", "close=0")
    check_equal(1, len(receiver.accepted()), "events: those after the second yes")
    check_equal((8, 1, 7), tuple(world.counted()[name] for name in ("recorded", "delivered", "dropped")), "counts")

    # The answer is removed by hand while nothing of the tool runs, so that nobody erases what waits.
    receiver.mode("/status/503")
    world.send(f"endpoint={receiver.url}", "track=3", "close=0")
    os.unlink(answer)
    world.helper("enable")
    receiver.mode("/status/200")
    world.send(f"endpoint={receiver.url}", "track=1", "flush=5000", "close=0")
    check_equal(2, len(receiver.accepted()), "events: those after the third yes")
    world.helper("reset", expected=None)
    world.helper("enable")

    # In memory.
    directory = world.path("home", ".local", "state")
    shutil.rmtree(directory)
    with open(directory, "w"):
        pass
    child = world.start(f"endpoint={receiver.url}", "track=5", f"await={world.path('go')}", "flush=5000", "track=2", "flush=5000", "close=0")
    time.sleep(0.5)
    for word in ("disable", "enable"):
        world.telemetry(word, expected=None)
    world.go()
    child.process.wait(30)
    check_equal(4, len(receiver.accepted()), "events in all")


@of_both("wayout/idle-holder", "A18")
def idle_holder(world):
    """A program that is busy elsewhere holds what it has recorded: nothing of it is left when the refusal returns."""
    child = world.start("endpoint=http://127.0.0.1:9", "track=20", f"await={world.path('go')}", "close=0")
    wait_until(lambda: os.path.isdir(world.spool) and any(name.endswith(".seg") for name in os.listdir(world.spool)), "a segment")
    time.sleep(0.3)
    world.telemetry("disable")
    for name in os.listdir(world.spool):
        if name.endswith(".seg"):
            with open(os.path.join(world.spool, name), "rb") as file:
                check(not any(file.read()[4096:]), f"an event is left in {name}")
    world.go()
    child.process.wait(30)


def connections(port):
    """Those that clients on this machine still have to the port."""
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return [row for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"]


@of_both("wayout/in-memory", "A18")
def in_memory(world):
    """No room for a spool, so that a program sends from memory: it has let go when the refusal returns; one that is stopped has not."""
    for is_stopped in (False, True):
        small = world.small_disk(f"small-{is_stopped}", 300)
        shutil.copytree(os.path.join(world.path("home"), ".config"), os.path.join(small, ".config"))
        world.fill(small)
        receiver = world.receiver("/hang")
        child = world.start(f"endpoint={receiver.url}", "timeout=60000", "try=10", "flush=60000", "close=0", environment={"HOME": small})
        wait_until(lambda: receiver.requests(), "a request")
        if is_stopped:
            child.process.send_signal(signal.SIGSTOP)
        done = world.telemetry("disable", expected=None, environment={"HOME": small})
        left = connections(receiver.port)
        child.process.send_signal(signal.SIGCONT)
        check_equal(UNCONFIRMED if is_stopped else 0, done.returncode, f"exit code ({done.stderr})")
        check(is_stopped or not left, f"a connection after the refusal: {left}")
        child.process.wait(30)
        check_equal(1, len(receiver.requests()), "requests")


@test("wayout/stopped-holder", "A18")
def stopped_holder(world):
    """Another process was stopped while it held the spool's lock: what waits is void all the same."""
    receiver = world.receiver("/status/503")
    world.manifest(receiver.url)
    world.telemetry("track", "x")
    wait_until(lambda: not world.processes(), "the end of the delivery")
    holding = "import fcntl, sys, time; file = open(sys.argv[1], 'r+'); fcntl.flock(file, 2); print(flush=True); time.sleep(60)"
    holder = world.closes(Child([sys.executable, "-c", holding, os.path.join(world.spool, "control")], world.environment, world.root))
    holder.process.stdout.readline()
    world.telemetry("disable", expected=UNCONFIRMED)
    holder.close()
    receiver.mode("/status/200")
    world.telemetry("enable")
    world.telemetry("deliver", "--now")
    check_equal([], receiver.accepted(), "events that were withdrawn")


@of_both("wayout/while-opening", "A18")
def while_opening(stage):
    """A no while a program makes its spool: what the program records then is not kept, nor sent, nor sent after the next yes."""
    held = stage.preload("held", HELD)
    for mode in ("in-process", "detached"):
        for answer in (["disable"], ["disable", "--all"]):
            with World(stage.shared) as world:
                receiver = world.receiver()
                world.manifest(receiver.url, {"delivery": {"mode": mode, "flush_interval_ms": 60000}})
                places = {name: world.path(name.lower()) for name in ("REACHED", "GO")}
                child = world.start(f"manifest={world.manifest_file}", "try=3", "exit=0", environment={"LD_PRELOAD": held, **places})
                wait_until(lambda: os.path.exists(places["REACHED"]), "the spool is being made")
                world.run([f"{BUILD}/bin/telemetry", *answer, *([] if "--all" in answer else ["--tool", TOOL])])
                open(places["GO"], "w").close()
                check_equal(0, child.process.wait(60), f"exit code of the program, {mode}")
                segments = [os.path.join(world.spool, name) for name in os.listdir(world.spool) if name.endswith(".seg")] if os.path.exists(world.spool) else []
                check(not any(b"feature.used" in open(path, "rb").read() for path in segments), f"an event is on disk, {mode}, {answer}")
                world.helper("enable", "--all", expected=None)
                world.helper("enable")
                world.helper("deliver", "--now", expected=None)
                check_equal([], receiver.accepted(), f"events sent, {mode}, {answer}")
                check_equal(0, world.counted()["pending"], f"events that wait, {mode}, {answer}")


@test("wayout/same-state", "A18")
def same_state(world):
    """In no state of the home does the helper say off while a program sends, or on while it does not."""
    home = world.path("home")

    def directory(path, mode, owner):
        def change():
            os.makedirs(path, exist_ok=True)
            own_home(world)
            os.chown(path, owner, owner)
            os.chmod(path, mode)
        return change
    places = [os.path.join(home, *names) for names in (
        [".local"], [".local", "share"], [".local", "state"], [".local", "state", "telemetry"], [".local", "state", "telemetry", TOOL],
        [".config"], [".config", "telemetry"], [".config", "telemetry", TOOL])] + [home]
    for place in places:
        for mode, owner in ((0o000, USER), (0o300, USER), (0o777, USER), (0o700, 0)):
            shutil.rmtree(home, ignore_errors=True)
            os.mkdir(home, 0o700)
            agree(world, USER)
            directory(place, mode, owner)()
            sent = sends(world, user=USER)
            done = world.telemetry("explain", "--json", user=USER)
            said = json.loads(done.stdout)["enabled"]
            check_equal(sent == 2, said, f"{place}, mode {mode:o}, owner {owner}: {sent} events; what the helper says")
