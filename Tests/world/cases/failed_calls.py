"""One call to the file system fails, once: an error of a disk, a file handle gone stale on a network, no memory in the kernel.

Elsewhere: what could not be read counts as empty or damaged, and is replaced by something new; what could not be removed is
taken for removed and counted again. Here a call that fails says nothing of what is in a file: it is left as it is, and the
next look finds it."""
import glob
import json
import os

from records import of_both
from suite import check, check_equal, test

# Preloaded: the N-th call of the kinds in CALLS on what lies below the state directory fails once with errno E. Says at its
# end into the file COUNT how many there were.
SHIM = r"""
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static int calls;
static int is_ours(int file)
{
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strstr(path, "telemetry/itest") != NULL;
}
static int fails(const char *call, int file)
{
    int saved = errno;
    const char *kinds = getenv("CALLS");
    int result = kinds != NULL && strstr(kinds, call) != NULL && is_ours(file)
        && __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) == atoi(getenv("N"));
    errno = result ? atoi(getenv("E")) : saved;
    return result;
}
__attribute__((destructor)) static void tell(void)
{
    FILE *file = getenv("COUNT") != NULL ? fopen(getenv("COUNT"), "w") : NULL;
    if (file == NULL) return;
    fprintf(file, "%d\n", calls);
    fclose(file);
}
#define NEXT(name) __typeof__(name) *next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
ssize_t pread(int file, void *bytes, size_t count, off_t offset)
{
    NEXT(pread);
    return fails("pread", file) ? -1 : next(file, bytes, count, offset);
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset)
{
    NEXT(pwrite);
    return fails("pwrite", file) ? -1 : next(file, bytes, count, offset);
}
ssize_t read(int file, void *bytes, size_t count)
{
    NEXT(read);
    return fails(" read", file) ? -1 : next(file, bytes, count);
}
int fstat(int file, struct stat *status)
{
    NEXT(fstat);
    return fails("fstat", file) ? -1 : next(file, status);
}
int unlinkat(int directory, const char *name, int flags)
{
    NEXT(unlinkat);
    return fails("unlinkat", directory) ? -1 : next(directory, name, flags);
}
int openat(int directory, const char *name, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    NEXT(openat);
    return fails("openat", directory) ? -1 : next(directory, name, flags, mode);
}
"""
# record COUNT: records so many events, and ends within a second or two.
RECORD = r"""
#include <stdlib.h>
#include <telemetry.h>
int main(int count, char **arguments)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
    if (getenv("SEVERAL") != NULL) {
        telemetry_options_add_backend(options, "file", NULL, 0);
        telemetry_options_add_backend(options, "noop", NULL, 0);
    }
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    for (int i = 0; count > 2 && i < atoi(arguments[1]); i++) put(collector, "x", NULL, 0);
    telemetry_close(collector, atoi(arguments[2]));
    return 0;
}
"""
EIO, ESTALE, ENOMEM = 5, 116, 12
RECORDED = 9


class Life:
    """A spool with events of a run before, one run in which a call fails, and one after it in which none does."""

    def __init__(self, world, shim, record, number):
        self.home = world.path(f"life-{number}")
        self.world, self.shim, self.record = world, shim, record
        self.environment = {"HOME": self.home, "XDG_STATE_HOME": f"{self.home}/state", "ITEST_TELEMETRY_ENABLED": "1"}
        os.makedirs(self.home, 0o700)

    def run(self, events, timeout, **environment):
        self.world.run([self.record, str(events), str(timeout)], environment={**self.environment, **environment})

    def live(self, calls, n, error):
        """How many calls there were."""
        self.run(6, 0)
        tally = f"{self.home}/calls"
        self.run(2, 1000, LD_PRELOAD=self.shim, CALLS=calls, N=str(n), E=str(error), COUNT=tally)
        self.run(1, 1000)
        # Where the failure holds delivery back for a while.
        self.world.telemetry("deliver", "--now", environment=self.environment)
        with open(tally, encoding="ascii") as file:
            return int(file.read())

    def counts(self):
        said = json.loads(self.world.telemetry("status", "--json", environment=self.environment).stdout)[self.world.records.name]
        return {name: said[name] for name in ("recorded", "delivered", "pending", "dropped")}

    def lines(self):
        lines = []
        for path in glob.glob(f"{self.world.spool_in(self.home + '/state')}/{self.world.records.log}*"):
            with open(path, encoding="utf-8") as file:
                lines += file.read().splitlines()
        return lines


class HelperLife(Life):
    """The same; the call fails in the helper."""

    def run(self, events, timeout, **environment):
        if not environment:
            return super().run(events, timeout)
        super().run(events, 0)
        self.world.telemetry("deliver", "--now", environment={**self.environment, **environment}, expected=None)
        return None


class SeveralLife(Life):
    """The same with two destinations, each with counts of its own."""

    def __init__(self, world, *more):
        super().__init__(world, *more)
        os.makedirs(f"{self.home}/.local/share/telemetry/tools", 0o700)
        with open(f"{self.home}/.local/share/telemetry/tools/itest.yaml", "w", encoding="utf-8") as file:
            json.dump({"tool": {"name": "itest"}, "identity": {"ephemeral": "never"}, "delivery": {"mode": "in-process"},
                       "backends": [{"kind": "file"}, {"kind": "noop"}]}, file)
        self.environment["SEVERAL"] = "1"

    def counts(self):
        status = json.loads(self.world.telemetry("status", "--json", environment=self.environment).stdout)
        each = [{name: one[name] for name in ("recorded", "delivered", "pending", "dropped")} for one in [status["events"], *status["backends"]]]
        return next((one for one in each if one != each[0]), each[0])


def conserved(world, calls, errors, life_of=Life, most=200):
    """Whichever call it is, every event is delivered, and each is counted once."""
    shim, record = world.preload("failing", SHIM), world.program("record", RECORD)
    n, wrong = 0, []
    while n < most:
        n += 1
        life = life_of(world, shim, record, n)
        total = life.live(calls, n, errors[n % len(errors)])
        counts, lines = life.counts(), life.lines()
        expected = {"recorded": RECORDED, "delivered": RECORDED, "pending": 0, "dropped": 0}
        if counts != expected or len(lines) != RECORDED or "" in lines:
            wrong.append(f"call {n}: {counts}, {len(lines)} lines")
        if n > total:
            break
    check_equal([], wrong, f"lives in which one of {n} calls of {calls} failed")


@of_both("failed-calls/reads", "E1 E6 E9")
def reads(world):
    """A read that fails is no damage and no withdrawal."""
    conserved(world, "pread, read", (EIO, ESTALE, ENOMEM))



@of_both("failed-calls/helper", "E1 E6 E9")
def helper(world):
    """The same of a helper that delivers."""
    conserved(world, "pread, read, pwrite, unlinkat", (EIO,), HelperLife)


@test("failed-calls/several", "E1 E6 E9")
def several(world):
    """The same of the counts of several destinations."""
    conserved(world, "pread, pwrite, unlinkat", (EIO, ESTALE), SeveralLife)


@of_both("failed-calls/status", "E1 E6 E9")
def status(world):
    """A file that cannot be asked what it is, is not another, and not shorter."""
    conserved(world, "fstat", (EIO, ESTALE))


@of_both("failed-calls/writes", "E1 E6 E9")
def writes(world):
    """Counts that cannot be written are kept, and added when they can."""
    conserved(world, "pwrite", (EIO,))


@of_both("failed-calls/removals", "E1 E6 E9")
def removals(world):
    """A segment that cannot be removed is not counted again."""
    conserved(world, "unlinkat", (EIO,))


@of_both("failed-calls/opened", "E1 E6 E9")
def opened(world):
    """A file that cannot be opened is not absent."""
    conserved(world, "openat", (EIO, ENOMEM))
