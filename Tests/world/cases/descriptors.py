"""The host closes descriptors: those of its streams before it starts, or all of them while it runs.

Elsewhere: a library's file gets the number of standard output, and the program's messages land in it; or the library goes
on with numbers that are the program's own files by now, and writes to them or closes them."""
import json
import os
import socket

from stage import Child, output
from records import SPANS, of_both
from suite import check, check_equal

DISABLED, SYSTEM = 20, -50

HOST = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <telemetry.h>
#include <unistd.h>
static telemetry_collector *start(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    if (getenv("URL")) send_to(options, getenv("URL"));
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    return collector;
}
static void record(telemetry_collector *collector, int64_t sequence)
{
    telemetry_attribute attribute = telemetry_int("sequence", sequence);
    put(collector, "descriptor", &attribute, 1);
}
"""

STREAMS = HOST + r"""
int main(int count, char **arguments)
{
    (void)count; (void)arguments;
    for (int fd = 0; fd < 3; fd++) close(fd);
    telemetry_collector *collector = start();
    record(collector, 0);
    telemetry_flush(collector, 5000);
    for (int fd = 0; fd < 3; fd++) if (fcntl(fd, F_GETFD) >= 0) return 10 + fd;
    record(collector, 1);
    char text[4096];
    memset(text, 'x', sizeof text);
    for (int fd = 1; fd < 3; fd++) if (write(fd, text, sizeof text) >= 0) return 20 + fd;
    return telemetry_close(collector, 5000) == 0 ? 0 : 1;
}
"""

CLOSED = HOST + r"""
int main(int count, char **arguments)
{
    enum { FILES = 40 };
    (void)count;
    telemetry_collector *collector = start();
    record(collector, 0);
    telemetry_flush(collector, 5000);
    record(collector, 1);
    closefrom(3);
    int files[FILES];
    for (int i = 0; i < FILES; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/mine-%d", arguments[1], i);
        files[i] = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (write(files[i], "mine", 4) != 4 || flock(files[i], LOCK_EX | LOCK_NB) != 0) return 1;
    }
    for (int i = 2; i < 4000; i++) record(collector, i);
    telemetry_flush(collector, 5000);
    record(collector, 4000);
    telemetry_close(collector, 5000);
    for (int i = 0; i < FILES; i++) {
        struct stat status;
        char path[256];
        snprintf(path, sizeof path, "%s/mine-%d", arguments[1], i);
        int other = open(path, O_RDONLY);
        if (fstat(files[i], &status) != 0 || status.st_size != 4 || lseek(files[i], 0, SEEK_CUR) != 4) return 2;
        if (flock(other, LOCK_EX | LOCK_NB) == 0) return 3; /* our lock was taken off */
        close(other);
    }
    return 0;
}
"""

INHERITED = HOST + r"""
#include <dirent.h>
#include <time.h>
int main(int count, char **arguments)
{
    (void)count;
    if (strcmp(arguments[1], "listed") == 0) {
        int found = 0;
        for (int fd = 3; fd < 256; fd++) if (fcntl(fd, F_GETFD) >= 0) { found++; char link[64], to[256]; snprintf(link, sizeof link, "/proc/self/fd/%d", fd); ssize_t n = readlink(link, to, 255); if (n > 0) { to[n] = 0; printf("%s\n", to); } }
        return found;
    }
    telemetry_collector *collector = start();
    record(collector, 0);
    int flushed = telemetry_flush(collector, 5000);
    if (atoi(arguments[1]) == 0 && flushed != 0) return 100;
    execl(arguments[0], arguments[0], "listed", (char *)NULL);
    return 101;
}
"""


@of_both("descriptors/streams-closed", "E12")
def streams_closed(world):
    """A program without its three standard streams, with every way to deliver: no file of ours takes their place."""
    program = world.program("streams", STREAMS)
    world.run([program])
    for number, certificate in enumerate((None, world.certificate("here"))):
        receiver = world.receiver(certificate=certificate)
        # By name: the resolver is asked.
        url = receiver.url.replace("127.0.0.1", "localhost")
        world.run([program], environment={"URL": url})
        check_equal(2, len(receiver.accepted()), "events received")
    world.expect(6, delivered=6)


@of_both("descriptors/all-closed", "E12")
def all_closed(world):
    """closefrom(3) under a living collector: the program's own files are left alone, and no event is lost."""
    program = world.program("closed", CLOSED)
    receiver = world.receiver()
    for url, name in ((None, "local"), (receiver.url, "http"), (world.receiver(certificate=world.certificate("here")).url, "https")):
        os.mkdir(world.path(name))
        world.run([program, world.path(name)], environment={"URL": url} if url else {})
        if url:
            world.manifest(url)
        world.helper("deliver", "--now")
    counts = world.counted()
    check_equal(counts["recorded"], counts["delivered"] + counts["dropped"] + counts["pending"], "the sum of the counters")
    check_equal((3 * 4001, 0), (counts["recorded"], counts["dropped"]), "recorded and dropped")


BARE = HOST + r"""
/* bare SECOND: closes all files, opens none, and goes on. */
int main(int count, char **arguments)
{
    (void)count;
    telemetry_collector *collector = start();
    for (int i = 0; i < 3; i++) record(collector, i);
    for (int round = 0; round < 3; round++) {
        closefrom(3);
        for (int i = 0; i < atoi(arguments[1]); i++) record(collector, 3 + i);
        telemetry_statistics counts = { .size = sizeof counts };
        int status = telemetry_get_statistics(collector, &counts), all = 3 + (round + 1) * atoi(arguments[1]);
#ifdef SPANS
        all = 0; /* the numbers are those of events */
#endif
        if (status != 0 || (int)counts.recorded != all) return 10 + round;
        status = telemetry_flush(collector, 10000);
        if (status != 0) return 20 + round;
    }
    return telemetry_close(collector, 5000) == 0 ? 0 : 1;
}
"""


@of_both("descriptors/all-closed-bare", "E12")
def all_closed_bare(world):
    """The same where nothing is opened in their places: the files get the numbers they had before, and are taken up again."""
    program = world.program("bare", BARE)
    receiver = world.receiver()
    for number, url in enumerate((None, receiver.url)):
        home = world.path(f"bare-{number}")
        os.mkdir(home, 0o700)
        for count in (1, 1500):
            os.makedirs(f"{home}/{count}", 0o700)
            environment = {"HOME": f"{home}/{count}", "ITEST_TELEMETRY_ENABLED": "1", **({"URL": url} if url else {})}
            world.run([program, str(count)], environment=environment)
            counts = json.loads(world.telemetry("status", "--json", environment=environment).stdout)[world.records.name]
            total = 3 + 3 * count
            check_equal((total, total), (counts["recorded"], counts["delivered"]), f"{url} {count}: recorded and delivered")


CALLED_OFF = HOST + r"""
int main(int count, char **arguments)
{
    (void)count;
    for (int i = 0; i < 20; i++) {
        telemetry_collector *collector = start();
        record(collector, i);
        telemetry_flush(collector, (unsigned)atoi(arguments[1]));
        telemetry_close(collector, 0);
    }
    int open = 0;
    for (int tries = 0; tries < 500; tries++) {
        open = 0;
        for (int fd = 3; fd < 256; fd++) open += fcntl(fd, F_GETFD) >= 0;
        if (open == 0) return 0;
        usleep(20000);
    }
    return open;
}
"""


@of_both("descriptors/called-off", "E12")
def called_off(world):
    """Connections that are refused, or called off before they stand, leave nothing open: some versions of libcurl
    close such a socket without asking."""
    program = world.program("called-off", CALLED_OFF)
    refusing = socket.socket()
    refusing.bind(("127.0.0.1", 0))
    for url in (f"http://127.0.0.1:{refusing.getsockname()[1]}/", "http://192.0.2.1:9/"):
        for patience in ("0", "1", "30"):
            world.run([program, patience], environment={"URL": url})


@of_both("descriptors/exec", "E12")
def exec_inherits_none(world):
    """A program that is replaced by another leaves it nothing open: no file, no socket, no wake-up of libcurl's."""
    program = world.program("inherited", INHERITED)
    for certificate in (None, world.certificate("here")):
        receiver = world.receiver(certificate=certificate)
        for host in ("127.0.0.1", "localhost"):
            done = world.run([program, "0"], environment={"URL": receiver.url.replace("127.0.0.1", host)})
            check(not done.stdout, f"inherited: {done.stdout}")


NONE_FREE = HOST + r"""
#include <sys/resource.h>
int main(int count, char **arguments)
{
    int held[64], files = 0;
    struct rlimit few = { 20, 20 };
    telemetry_collector *collector = start();
    for (int sequence = 0; sequence < 3; sequence++) record(collector, sequence);
    setrlimit(RLIMIT_NOFILE, &few);
    while (files < 64 && (held[files] = open("/dev/null", O_RDONLY)) >= 0) files++;
    usleep(700000); /* the last look at the user's answer does not count any more */
    printf("%d\n", telemetry_flush(collector, 2000));
    fflush(stdout);
    if (count > 1) while (access(arguments[1], F_OK) != 0) usleep(10000);
    if (count > 1) printf("%d\n", telemetry_flush(collector, 2000));
    while (files > 0) close(held[--files]);
    usleep(700000);
    printf("%d\n", telemetry_flush(collector, 5000));
    telemetry_close(collector, 5000);
    return 0;
}
"""


@of_both("descriptors/none-free", "A18 E12")
def none_free(world):
    """A process can open no file, and its events are in memory: the user's answer cannot be read, so nothing is sent, and nothing
    counts as withdrawn. A no that was written by hand meanwhile holds as soon as it can be read, and nothing left before."""
    program = world.program("none-free", NONE_FREE)
    disk = world.small_disk("full", 16)
    with open(os.path.join(disk, "fill"), "wb", buffering=0) as fill:
        try:
            while fill.write(bytes(1024)):
                pass
        except OSError:
            pass
    receiver = world.receiver()
    environment = {"URL": receiver.url, "XDG_STATE_HOME": disk}
    done = world.run([program], environment=environment)
    check_equal([str(SYSTEM), "0"], done.stdout.split(), "what flush returned")
    check_equal([0, 1, 2], [world.records.attribute(each, "sequence") for each in receiver.accepted()], "what was received")

    other = world.receiver()
    go = world.path("go")
    child = world.closes(Child([program, go], {**world.environment, **environment, "URL": other.url}, world.root))
    check_equal(str(SYSTEM), child.process.stdout.readline().strip(), "what flush returned without a descriptor")
    with open(os.path.join(world.environment["HOME"], ".config/telemetry/itest/enabled"), "w") as file:
        file.write("false\n")
    with open(go, "w"):
        pass
    out, _ = output(child.process)
    # The changed file has voided what waited, so that nothing is left to deliver. Spans are voided once it can be read.
    first = str(SYSTEM if world.records is SPANS else 0)
    check_equal([first, str(DISABLED)], out.split(), "flush after the no, without a descriptor and with one")
    check_equal([], other.requests(), "requests after the no")
