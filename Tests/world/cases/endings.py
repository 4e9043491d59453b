"""The host ends while its events are being sent, and uses OpenSSL or libcurl itself.

Elsewhere: a background thread inside TLS crashes the program in exit(3), for OpenSSL takes its tables apart there. Here,
however the program ends, it ends by itself, soon, and every event is delivered or waits."""
import itertools
import shutil
import signal
import socket
import time

import faults
from stage import Child
from records import EVENTS, of_both
from suite import check_equal, test
from world import TLS_LIBRARIES, TLS_USER

PAUSES = [0, 500, 1000, 2000, 3000, 4500, 6000, 9000, 12000, 16000, 22000, 30000]

HOST = TLS_USER + r"""
static telemetry_collector *collector, *kept;
static const char *host, *ending;
static int is(const char *text, const char *word) { return strstr(text, word) != NULL; }
static void close_kept(void) { if (kept) telemetry_close(kept, 1000); }
/* As a global object of C++ does: behind every atexit handler of main(). */
__attribute__((destructor)) static void end(void) { if (is(ending, "global")) close_kept(); }
static void *leave(void *unused) { (void)unused; exit(0); }
static void start(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    send_to(options, getenv("URL"));
    telemetry_options_set_flush_interval_ms(options, getenv("INTERVAL") ? (uint32_t)atoi(getenv("INTERVAL")) : 1);
    collector = telemetry_open(options);
    telemetry_options_free(options);
    put(collector, "ending", NULL, 0);
}
int main(int count, char **arguments)
{
    (void)count;
    host = arguments[1];
    ending = arguments[2];
    pthread_t thread;
    if (is(ending, "handler-first")) atexit(close_kept);
    if (is(host, "openssl")) use_openssl();
    if (is(host, "curl")) { curl_global_init(CURL_GLOBAL_DEFAULT); use_curl(); }
    if (is(ending, "handler-last")) atexit(close_kept);
    start();
    if (is(host, "late")) use_openssl();
    usleep((useconds_t)atoi(arguments[3]));
    if (is(host, "curl")) use_curl();
    if (is(ending, "handler") || is(ending, "global")) kept = collector;
    if (is(ending, "closed")) telemetry_close(collector, 5);
    if (is(ending, "cleanup")) OPENSSL_cleanup();
    if (is(host, "curl")) curl_global_cleanup();
    if (is(ending, "thread")) { pthread_create(&thread, NULL, leave, NULL); pause(); }
    if (is(ending, "quick")) quick_exit(0);
    if (is(ending, "_exit")) _exit(0);
    return 0;
}
"""
HOSTS = ["plain", "openssl", "late-openssl", "curl"]
# What is sent does not matter to the libraries of the host: spans are for the most common of them.
OF_BOTH = ["openssl"]
ENDINGS = ["return", "closed", "handler-first", "handler-last", "global", "cleanup", "thread", "quick", "_exit"]


def ends_well(world, program, arguments, url):
    """Once for each pause; each event waits or is delivered."""
    shutil.rmtree(world.spool, ignore_errors=True)
    world.manifest(url)
    for pause in PAUSES:
        world.run([program, *arguments, str(pause)], environment={"URL": url})
    counts = world.counted()
    check_equal(len(PAUSES), counts["recorded"], f"recorded of {' '.join(arguments)}")
    check_equal(len(PAUSES), counts["delivered"] + counts["pending"], f"delivered and waiting of {' '.join(arguments)}: {counts}")


def host(world):
    return world.program("host", HOST, *TLS_LIBRARIES)


def register(kind):
    @(of_both if kind in OF_BOTH else test)(f"endings/{kind}", "E9 E12")
    def endings(world):
        """Every way to end, of a program that does not use TLS, that did before or does later, that uses libcurl."""
        program = host(world)
        receiver = world.receiver(certificate=world.certificate("here"))
        for ending in ENDINGS:
            for url in (receiver.url, f"https://127.0.0.1:{faults.free_port()}/nobody"):
                ends_well(world, program, [kind, ending], url)


for each in HOSTS:
    register(each)


LOADED = r"""
#include <dlfcn.h>
#include <stdlib.h>
#include <telemetry.h>
#include <unistd.h>
struct method; struct context;
const struct method *TLS_client_method(void);
struct context *SSL_CTX_new(const struct method *);
int main(int count, char **arguments)
{
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    (void)count;
#define NAMED(name) __typeof__(&name) _##name = (__typeof__(&name))dlsym(library, #name)
    NAMED(telemetry_options_new); NAMED(telemetry_options_set_backend_http); NAMED(telemetry_options_set_flush_interval_ms);
    NAMED(telemetry_open); NAMED(telemetry_track);
    SSL_CTX_new(TLS_client_method());
    telemetry_options *options = _telemetry_options_new("itest", "1");
    _telemetry_options_set_backend_http(options, getenv("URL"), NULL, 0);
    _telemetry_options_set_flush_interval_ms(options, 1);
    telemetry_collector *collector = _telemetry_open(options);
    _telemetry_track(collector, TELEMETRY_FEATURE_USED, "ending", NULL, 0);
    usleep((useconds_t)atoi(arguments[2]));
    dlclose(library);
    return 0;
}
"""


@test("endings/plugin", "E9 E12")
def plugin(world):
    """A program that opens the library with dlopen, and closes it before it ends."""
    program = world.program("plugin", LOADED, "-ldl", "-l:libssl.so.3", "-l:libcrypto.so.3")
    receiver = world.receiver(certificate=world.certificate("here"))
    ends_well(world, program, [f"{world.environment['LD_LIBRARY_PATH']}/libtelemetry.so.0"], receiver.url)


@of_both("endings/deliver", "E2")
def deliver(world):
    """Where nobody takes OpenSSL apart, events closed in a late destructor are sent all the same."""
    program = host(world)
    receiver = world.receiver(certificate=world.certificate("here"))
    for ending in ("handler-first", "handler-last", "global"):
        world.run([program, "plain", ending, "0"], environment={"URL": receiver.url})
    world.manifest(receiver.url)
    check_equal(3, len(receiver.accepted()), "events received")
    world.expect(3, delivered=3)


@of_both("endings/no-backoff", "E8")
def no_backoff(world):
    """What could not be tried any more says nothing about the receiver: the next run sends at once."""
    program = host(world)
    receiver = world.receiver(certificate=world.certificate("here"))
    world.manifest(receiver.url)
    # Loaded at the close, when OpenSSL has ended.
    world.run([program, "late-openssl", "handler-first", "0"], environment={"URL": receiver.url, "INTERVAL": "60000"})
    world.helper("deliver")
    world.expect(1, delivered=1)


LEFT = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>
#include <unistd.h>
static telemetry_collector *collector;
static int is(const char *text, const char *word) { return strstr(text, word) != NULL; }
static void said(void) { printf("%s\n", getpid() == gettid() ? "main" : "other"); fflush(stdout); }
static void record(void) { put(collector, "left", NULL, 0); }
static void *later(void *pause)
{
    usleep((useconds_t)(size_t)pause);
    record();
    return NULL;
}
static void open_collector(char **arguments)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    if (telemetry_options_load_manifest(options, arguments[2]) != TELEMETRY_OK) _exit(9);
    if (is(arguments[1], "heartbeat")) telemetry_options_set_heartbeat(options, 0, 0);
    telemetry_options_set_flush_interval_ms(options, is(arguments[1], "sending") ? 1 : 60000);
    collector = telemetry_open(options);
    telemetry_options_free(options);
    record();
}
static void *open_elsewhere(void *arguments)
{
    open_collector(arguments);
    return NULL;
}
int main(int count, char **arguments)
{
    pthread_t thread;
    (void)count;
    atexit(said);
    if (is(arguments[1], "forked") && fork() != 0) _exit(0);
    if (is(arguments[1], "elsewhere")) {
        pthread_create(&thread, NULL, open_elsewhere, arguments);
        pthread_join(thread, NULL);
    } else {
        open_collector(arguments);
    }
    if (is(arguments[1], "sending")) usleep(300000);
    for (size_t i = 1; is(arguments[1], "threads") && i <= 3; i++) pthread_create(&thread, NULL, later, (void *)(i * 200000));
    pthread_exit(NULL);
}
"""


WAYS = ["", "heartbeat", "threads", "threads-heartbeat", "elsewhere", "forked", "sending"]
SPAN_WAYS = ["", "threads", "sending"]


@of_both("endings/main-thread", "E9 E12")
def main_thread(world):
    """The main thread ends by pthread_exit(3): the program ends with its own last thread, as without telemetry."""
    program = world.program("left", LEFT, "-pthread")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kinds = [{"kind": world.records.kind, "endpoint": f"http://127.0.0.1:{silent.getsockname()[1]}/"}, {"kind": "file"}]
        for mode, backend, way in itertools.product(["in-process", "detached"], kinds, WAYS if world.records is EVENTS else SPAN_WAYS):
            shutil.rmtree(world.spool, ignore_errors=True)
            world.manifest(None, sections={"delivery": {"mode": mode}, "backends": [{"name": "one", **backend}]})
            command = [program, f"as-{way}", world.manifest_file]
            here = f"{mode}, {backend['kind']}, {way}"
            bare = world.run(command, environment={"DO_NOT_TRACK": "1"}, timeout=20)
            told = world.run(command, timeout=20)
            # Where the main thread is the last one, the handlers of exit(3) run in it.
            check_equal((bare.stdout, ""), (told.stdout, told.stderr), f"thread that ends the program, errors ({here})")
            recorded = 4 if "threads" in way else 1
            counts = world.counted()
            beats = "heartbeat" in way and world.records is EVENTS
            check_equal(recorded, counts["delivered"] + counts["pending"] - beats, f"delivered and waiting ({here}): {counts}")


# The name is never resolved.
SLOW_NAMES = r"""
#include <netdb.h>
#include <unistd.h>
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    (void)host; (void)port; (void)found;
    if (hints->ai_flags & AI_NUMERICHOST) return EAI_NONAME;
    for (;;) pause();
}
"""


@test("endings/signal", "E9")
def signal_ends(world):
    """A thread of the library's hangs in the resolver when the program's last thread has ended: SIGTERM still ends it."""
    program = world.program("left", LEFT, "-pthread")
    world.manifest(None, sections={"backends": [{"name": "one", "kind": "splunk_udp", "endpoint": "udp://name.invalid:9"}]})
    child = Child([program, "sending", world.manifest_file],
                  {**world.environment, "LD_PRELOAD": world.preload("names", SLOW_NAMES)}, world.root)
    world.closes(child)
    time.sleep(1)
    check_equal(None, child.process.poll(), "the program while a name is looked up")
    child.process.terminate()
    check_equal(-signal.SIGTERM, child.process.wait(10), "end of the program")
    world.expect(1, pending=1)
