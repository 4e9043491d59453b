"""File systems that cannot do what others can: no locks, room for the smallest file only."""
import errno
import os
import time

import faults
from stage import OK, wait_until
from records import of_both
from suite import check, check_equal

NO_LOCKS = r"""
#include <errno.h>
#include <stdlib.h>

int flock(int file, int operation)
{
    (void)file, (void)operation;
    errno = atoi(getenv("FLOCK_ERRNO"));
    return -1;
}
"""
MODES = [(mode, guarantee) for mode in ("in-process", "detached") for guarantee in ("at-least-once", "at-most-once")]


@of_both("file-systems/no-locks", "E6 E9 E11")
def no_locks(world):
    """flock fails: events are in memory at once, delivered by the program itself, and status and doctor say so."""
    shim = world.preload("noflock", NO_LOCKS)
    for number in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
        environment = {"LD_PRELOAD": shim, "FLOCK_ERRNO": str(number)}
        for mode, guarantee in MODES:
            receiver = world.receiver()
            world.manifest(receiver.url, sections={"delivery": {"mode": mode, "guarantee": guarantee}})
            start = time.monotonic()
            answers = world.send(f"manifest={world.manifest_file}", "track=20", "close=3000", environment=environment)
            check_equal(str(OK), answers["close"][0], f"status of close, {mode}, {os.strerror(number)}")
            check_equal(20, len(receiver.accepted()), f"events received, {mode}, {guarantee}, {os.strerror(number)}")
            world.record("e", environment=environment)
            check_equal(21, len(receiver.accepted()), f"events received with the helper's, {mode}, {guarantee}")
            check(time.monotonic() - start < 10, "something has waited for a lock")
        said = world.telemetry("status", environment=environment).stdout
        check("memory only: files cannot be locked there: " + os.strerror(number) in said, said)
        said = world.telemetry("doctor", "--offline", environment=environment, expected=None).stdout
        check("files cannot be locked in the state directory: " + os.strerror(number) in said, said)


@of_both("file-systems/full", "E6 E12")
def full(world):
    """Room for `control` and none for a segment: events are delivered from memory; what is not taken is counted and told."""
    state = world.small_disk("state", 300)
    world.environment["XDG_STATE_HOME"] = state
    with open(os.path.join(state, "fill"), "wb") as file:
        file.write(bytes(100 << 10))
    delivered = 0
    for mode, guarantee in MODES:
        receiver = world.receiver()
        world.manifest(receiver.url, sections={"delivery": {"mode": mode, "guarantee": guarantee}})
        answers = world.send(f"manifest={world.manifest_file}", "track=20", "close=3000")
        check_equal(str(OK), answers["close"][0], f"status of close, {mode}")
        check_equal(20, len(receiver.accepted()), f"events received, {mode}, {guarantee}")
        delivered += 20
        world.expect(delivered, delivered=delivered)
        # Smaller than a segment, larger than what there is room for.
        with open(os.path.join(state, "more"), "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
        world.manifest("http://127.0.0.1:9/nobody", sections={"delivery": {"mode": mode, "guarantee": "at-least-once"}})
        answers = world.send(f"manifest={world.manifest_file}", "track=5", "close=500")
        check(answers["close"][0] != str(OK), f"close says that all is well, {mode}: {answers}")
        os.remove(os.path.join(state, "more"))
        for name in os.listdir(world.spool_in(state)):
            check(not name.endswith(".seg"), f"a segment where there is no room: {name}")
        world.helper("reset", expected=None)
        world.helper("enable")
        delivered = 0


# Counts what the program's own thread asks of the state directory's file system.
COUNTED = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/types.h>
#include <unistd.h>
int asked;
static void ask(void) { if (getpid() == gettid()) asked++; }
ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (real == NULL) real = (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
    ask();
    return real(file, bytes, length, offset);
}
int openat(int directory, const char *path, int flags, ...)
{
    static int (*real)(int, const char *, int, ...);
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    if (real == NULL) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
    ask();
    return real(directory, path, flags, mode);
}
"""
ASKING = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <telemetry.h>
int main(int count, char **arguments)
{
    int *asked = (int *)dlsym(RTLD_DEFAULT, "asked");
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_load_manifest(options, arguments[count - 1]);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    put(collector, "first", NULL, 0);
    int before = *asked;
    for (int i = 0; i < 500; i++) put(collector, "next", NULL, 0);
    printf("%d %d\n", before > 0, *asked - before);
    return telemetry_close(collector, 0);
}
"""


@of_both("file-systems/hangs", "E9")
def hangs(world):
    """On a file system that hangs the first event is what waits: the next in its segment open and write no file."""
    program = world.program("asking", ASKING, "-ldl")
    for mode in ("in-process", "detached"):
        world.manifest(f"http://127.0.0.1:{faults.free_port()}/nobody", {"delivery": {"mode": mode}})
        done = world.run([program, world.manifest_file], environment={"LD_PRELOAD": world.preload("counted", COUNTED)}, expected=None)
        check_equal("1 0\n", done.stdout, f"files opened by the first event, and by the next ({mode})")
