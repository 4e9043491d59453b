"""The program ends by exit(3) or a return from main() without closing its collector, and has asked for delivery then.

Elsewhere: what was recorded last is lost, or exit hangs, crashes in a library that is already taken apart, or sends the
parent's events from each forked child. Here it is delivered in time, or waits."""
import os
import shutil
import socket
import time

from records import of_both
from suite import check, check_equal, test
from world import TLS_LIBRARIES, TLS_USER

PROGRAM = TLS_USER + r"""
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
static telemetry_collector *collector;
static const char *ending;
static double began;
static int is(const char *word) { return strstr(ending, word) != NULL; }
static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}
static void said(void)
{
    if (began > 0) printf("%.0f\n", now_ms() - began);
    fflush(stdout);
}
static void close_it(void) { telemetry_close(collector, 2000); }
static void record(void) { put(collector, "ending", NULL, 0); }
static void *record_on(void *unused)
{
    (void)unused;
    for (;;) {
        put(collector, "on", NULL, 0);
        usleep(100);
    }
    return NULL;
}
static void *close_elsewhere(void *unused)
{
    (void)unused;
    close_it();
    return NULL;
}
static void *leave(void *unused) { (void)unused; exit(0); }
int main(int count, char **arguments)
{
    pthread_t thread;
    ending = arguments[1];
    atexit(said);
    if (is("handler-first")) atexit(close_it);
    if (is("openssl-first")) use_openssl();
    if (is("curl-first")) use_curl();
    telemetry_options *options = telemetry_options_new("itest", "1");
    if (count > 3) {
        if (telemetry_options_load_manifest(options, arguments[3]) != TELEMETRY_OK) _exit(9);
    } else {
        send_to(options, getenv("URL"));
        telemetry_options_set_flush_at_exit(options, (uint32_t)atoi(arguments[2]));
    }
    telemetry_options_set_flush_interval_ms(options, 3600000);
    collector = telemetry_open(options);
    telemetry_options_free(options);
    if (is("handler-last")) atexit(close_it);
    if (is("record-last")) atexit(record);
    record();
    if (is("openssl-late")) use_openssl();
    if (is("curl-late")) use_curl();
    if (is("recording")) pthread_create(&thread, NULL, record_on, NULL);
    if (is("closing")) pthread_create(&thread, NULL, close_elsewhere, NULL);
    if (is("cleanup")) OPENSSL_cleanup();
    if (is("child")) {
        pid_t child = fork();
        if (child == 0) {
            if (is("child-records")) record();
            exit(0);
        }
        waitpid(child, NULL, 0);
        if (!is("then")) _exit(0);
    }
    if (is("closed")) close_it();
    began = now_ms();
    if (is("_exit")) _exit(0);
    if (is("quick")) quick_exit(0);
    if (is("killed")) raise(SIGTERM);
    if (is("elsewhere")) { pthread_create(&thread, NULL, leave, NULL); pause(); }
    if (is("exit")) exit(0);
    return 0;
}
"""


def program(world):
    return world.program("at-exit", PROGRAM, *TLS_LIBRARIES)


def names(receiver, name="ending"):
    return [event["name"] for event in receiver.accepted() if event["name"] == name]


@of_both("at-exit/delivers", "E9 E2")
def delivers(world):
    """However the program gets to exit(3), whatever it uses, and whoever closes or records meanwhile: each once."""
    ends = program(world)
    receiver = world.receiver(certificate=world.certificate("here"))
    sent = 0
    for ending in ("return", "exit", "elsewhere", "handler-first", "handler-last", "openssl-first", "curl-first", "record-last", "closed",
                   "child-then", "child-then-exit"):
        world.run([ends, ending, "5000"], environment={"URL": receiver.url})
        sent += 2 if ending == "record-last" else 1
        check_equal(sent, len(names(receiver)), f"delivered after {ending}")
    world.manifest(receiver.url)
    counts = world.counted()
    check_equal((sent, sent), (counts["recorded"], counts["delivered"]), "recorded and delivered")


@test("at-exit/races", "E9 E12")
def races(world):
    """Other threads record on, or close the collector at this moment: nothing is lost, nothing is sent twice."""
    ends = program(world)
    receiver = world.receiver(certificate=world.certificate("here"))
    for ending in ("recording", "closing", "closing-exit", "recording-elsewhere"):
        for _ in range(10):
            world.run([ends, ending, "2000"], environment={"URL": receiver.url})
    world.recover(receiver.url)
    counts = world.counted()
    events = [event["event_id"] for event in receiver.accepted()]
    check_equal(len(set(events)), len(events), "events received, each once")
    check_equal(counts["recorded"], counts["delivered"] + counts["pending"] + counts["dropped"], f"the sum of {counts}")
    check(len(names(receiver)) + counts["pending"] >= 40, f"{len(names(receiver))} of 40 delivered, and {counts['pending']} wait")


@of_both("at-exit/not", "E9")
def not_then(world):
    """Not by default, at _exit(2) or quick_exit(3), after a signal, or in a forked child that has inherited the collector."""
    ends = program(world)
    receiver = world.receiver()
    for ending, timeout, recorded in (("return", "0", 1), ("_exit", "2000", 1), ("quick", "2000", 1), ("killed", "2000", 1), ("child", "2000", 1),
                                      ("child-records", "2000", 2)):
        shutil.rmtree(world.spool, ignore_errors=True)
        world.run([ends, ending, timeout], expected=-15 if ending == "killed" else 0, environment={"URL": receiver.url})
        world.manifest(receiver.url)
        counts = world.counted()
        check_equal((recorded, 0, recorded), (counts["recorded"], counts["delivered"], counts["pending"]), f"recorded, delivered, waiting ({ending})")
    check_equal([], receiver.accepted(), "what was received")


@test("at-exit/tls-gone", "E9 E12")
def tls_gone(world):
    """The TLS library has been taken apart: nothing is sent, and everything stays."""
    ends = program(world)
    receiver = world.receiver(certificate=world.certificate("here"))
    world.manifest(receiver.url)
    for number in range(1, 6):
        for ending in ("openssl-first-cleanup", "openssl-late-handler-last-nothing"):
            world.run([ends, ending, "2000"], environment={"URL": receiver.url})
        counts = world.counted()
        check_equal(2 * number, counts["delivered"] + counts["pending"], f"delivered and waiting: {counts}")
    check(counts["pending"] >= 5, f"waiting: {counts}")


@of_both("at-exit/deadline", "E9")
def deadline(world):
    """A receiver that accepts and never answers holds up exit(3) for no longer than asked for, and 50 ms."""
    ends = program(world)
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}{world.records.path}"
        # The promise is about this library: the quickest of some runs shows it on a busy machine.
        taken = [int(world.run([ends, "return", "300"], environment={"URL": url}).stdout) for _ in range(1)]
        while min(taken) > 350 and len(taken) < 5:
            shutil.rmtree(world.spool, ignore_errors=True)
            taken.append(int(world.run([ends, "return", "300"], environment={"URL": url}).stdout))
        check(min(taken) <= 350, f"exit took {taken} ms")
        check(min(taken) >= 250, f"exit took {taken} ms, and did not try")
        world.manifest(url)
        counts = world.counted()
        check_equal(counts["recorded"], counts["pending"], f"waiting: {counts}")


def waits_for(world, receiver, count):
    """Another process delivers."""
    end = time.monotonic() + 60
    while len(receiver.accepted()) < count and time.monotonic() < end:
        time.sleep(0.05)
    check_equal(count, len(names(receiver)), "delivered by another process")


@of_both("at-exit/detached", "E2 E9")
def detached(world):
    """With detached delivery the process that delivers is started, as by telemetry_close()."""
    ends = program(world)
    receiver = world.receiver()
    world.manifest(receiver.url, sections={"delivery": {"mode": "detached", "at_exit_ms": 500}})
    world.run([ends, "return", "0", world.manifest_file])
    waits_for(world, receiver, 1)
    world.run([ends, "closed-exit", "0", world.manifest_file])
    waits_for(world, receiver, 2)
    world.run([ends, "_exit", "0", world.manifest_file])
    time.sleep(0.5)
    check_equal(2, len(receiver.accepted()), "delivered after _exit")


@test("at-exit/agent", "E2 E9")
def agent(world):
    """With the agent it is told, or started if none runs."""
    ends = program(world)
    receiver = world.receiver()
    runtime = world.path("runtime")
    os.mkdir(runtime, 0o700)
    world.environment["XDG_RUNTIME_DIR"] = runtime
    world.manifest(receiver.url, sections={"delivery": {"mode": "agent", "at_exit_ms": 500}})
    for count in (1, 2):
        world.run([ends, "return", "0", world.manifest_file])
        waits_for(world, receiver, count)
