"""H9: fork, threads, dlopen, several processes and collectors, and what close leaves."""
import os
import re
import signal
import subprocess
import time

import programs
from driving import (DISABLED, NULL, OK, ROOT, Driver, attributes, found, helper, log_lines, only, spool, waiting)
from suite import check, check_equal, test
from world import BUILD


def states(world):
    """{name: what of it there is}: of segments, of open slots and of the log."""
    left = found(world)
    result = {}
    for span in left.waiting:
        result.setdefault(span.name, []).append("abandoned" if span.is_abandoned else "waiting")
    for slot in left.open:
        result.setdefault(slot.span.name, []).append("open")
    for span in log_lines(world):
        result.setdefault(span["name"], []).append("abandoned" if span.get("abandoned") else "delivered")
    return result


@test("fork/apart", "host H9")
def fork_apart(world):
    """A child's spans are apart: it neither ends nor changes the parent's, and what it begins below them is in their trace."""
    driver = Driver(world)
    driver.open(detached=1)
    driver.begin(0, 0, "parent", 1, ROOT)
    driver.attributes(0, *attributes(by="parent"))
    driver.fork()
    for name, words in (("attributes", attributes(by="child")), ("event", ["child"]), ("status", [2, "child"]), ("error", ["io", NULL]), ("end", [])):
        check_equal(DISABLED, getattr(driver, name)(0, *words), f"{name} in the child")
    check(len(driver.traceparent(0)) == 55, "the parent's context in the child")
    check_equal(OK, driver.begin(0, 1, "child", 1, 0), "begin in the child")
    check_equal(OK, driver.attributes(1, *attributes(by="child")), "attributes in the child")
    check_equal(OK, driver.end(1), "end in the child")
    driver.begin(0, 2, "left open by the child", 1, 0)
    check_equal(0, driver.joined(), "the child")
    check_equal(OK, driver.attributes(0, *attributes(more=1)), "attributes in the parent")
    check_equal(OK, driver.end(0), "end in the parent")
    driver.begin(0, 3, "after", 1, ROOT)
    driver.end(3)
    driver.leave()
    check_equal({"parent": ["waiting"], "child": ["waiting"], "after": ["waiting"], "left open by the child": ["open"]}, states(world), "spans")
    spans = {span.name: span for span in waiting(world)}
    check_equal(({"by": "parent", "more": 1}, {"by": "child"}), (spans["parent"].attributes, spans["child"].attributes), "attributes")
    check_equal((spans["parent"].span, spans["parent"].trace), (spans["child"].parent, spans["child"].trace), "the child's parent")
    helper(world, "deliver", "--now")
    check_equal({"parent": ["delivered"], "child": ["delivered"], "after": ["delivered"], "left open by the child": ["abandoned"]}, states(world), "delivered")


# forks ORDER: a span is open in the parent and one is begun in the child. ORDER: p the parent ends first, c the child, k the child kills itself, P the parent kills
# itself while the child lives on for a second.
FORKS = programs.PRELUDE + r"""
int main(int argc, char **argv)
{
    (void)argc;
    int turn[2];
    if (pipe(turn) != 0)
        return 3;
    telemetry_collector *telemetry = opened();
    telemetry_span parent, child;
    telemetry_span_begin(telemetry, &parent, "parent", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    char order = argv[1][0], byte = 0;
    pid_t pid = fork();
    if (pid == 0) {
        telemetry_span_begin(telemetry, &child, "child", TELEMETRY_SPAN_INTERNAL, &parent);
        if (order == 'k')
            kill(getpid(), SIGKILL);
        if (order == 'p' && read(turn[0], &byte, 1) != 1)
            return 4;
        if (order == 'P')
            usleep(1500000);
        telemetry_span_end(&child);
        if (order == 'c' && write(turn[1], "c", 1) != 1)
            return 4;
        telemetry_close(telemetry, 0);
        _exit(0);
    }
    int status;
    if (order == 'P') {
        usleep(200000);
        kill(getpid(), SIGKILL);
    }
    if (order == 'k')
        waitpid(pid, &status, 0);
    if (order == 'c' && read(turn[0], &byte, 1) != 1)
        return 4;
    if (telemetry_span_end(&parent) != TELEMETRY_OK)
        return 5;
    if (order == 'p' && write(turn[1], "p", 1) != 1)
        return 4;
    telemetry_close(telemetry, 0);
    if (order != 'k')
        waitpid(pid, &status, 0);
    return 0;
}
"""


@test("fork/orders", "host H9")
def fork_orders(world):
    """Parent and child end in either order, or the child is killed: every span is delivered once, the killed one's as abandoned."""
    program = world.program("forks", FORKS)
    world.environment["DETACHED"] = "1"
    for order, expected in (("p", "delivered"), ("c", "delivered"), ("k", "abandoned")):
        world.run([program, order])
        helper(world, "deliver", "--now")
        check_equal({"parent": ["delivered"], "child": [expected]}, states(world), f"order {order}")
        os.remove(os.path.join(spool(world), "spans.jsonl"))


@test("fork/parent-killed", "host H9")
def parent_killed(world):
    """A parent that is killed while its child lives: the child does not keep the parent's spans from being delivered, and its own go on."""
    program = world.program("forks", FORKS)
    world.environment["DETACHED"] = "1"
    process = subprocess.Popen([program, "P"], env=world.environment, cwd=world.root)
    check_equal(-signal.SIGKILL, process.wait(30), "the parent's end")
    helper(world, "deliver", "--now")
    check_equal({"parent": ["abandoned"], "child": ["open"]}, states(world), "while the child lives")
    time.sleep(1.6)
    for _ in range(50):
        helper(world, "deliver", "--now")
        if states(world).get("child") == ["delivered"]:
            break
        time.sleep(0.1)
    check_equal({"parent": ["abandoned"], "child": ["delivered"]}, states(world), "after the child")


THREADS = programs.PRELUDE + r"""
static telemetry_collector *telemetry;
static telemetry_span shared;
static atomic_int ends;

static void *change(void *number)
{
    char key[20];
    sprintf(key, "thread.%d", (int)(size_t)number);
    telemetry_attribute attributes[] = {telemetry_int(key, 1), telemetry_string("text", "the same from all threads")};
    for (int i = 0; i < 200; i++) {
        telemetry_span_set_attributes(&shared, attributes, 1);
        if (i % 20 == 0)
            telemetry_span_add_event(&shared, key, &attributes[1], 1);
    }
    return NULL;
}

static void *end(void *number)
{
    telemetry_span copy = shared;
    (void)number;
    if (telemetry_span_end(&copy) == TELEMETRY_OK)
        atomic_fetch_add(&ends, 1);
    return NULL;
}

static void *work(void *number)
{
    for (int i = 0; i < 2000; i++) {
        telemetry_span outer, inner;
        telemetry_attribute attribute = telemetry_int("number", (int)(size_t)number);
        telemetry_span_begin(telemetry, &outer, "outer", TELEMETRY_SPAN_INTERNAL, NULL);
        telemetry_span_activate(&outer);
        telemetry_span_begin(telemetry, &inner, "inner", TELEMETRY_SPAN_INTERNAL, NULL);
        telemetry_span_set_attributes(&inner, &attribute, 1);
        telemetry_span_end(&inner);
        telemetry_span_set_attributes(&outer, &attribute, 1);
        telemetry_span_end(&outer);
    }
    return NULL;
}

static void all(void *(*body)(void *))
{
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, body, (void *)i);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    telemetry = opened();
    telemetry_span_begin(telemetry, &shared, "shared", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    all(change);
    all(end);
    all(work);
    printf("%d\n", (int)ends);
    return telemetry_close(telemetry, 30000);
}
"""


@test("threads/one-span", "H9 host")
def threads(world):
    """Eight threads change one span, and one of eight ends it; each thread has its own active span."""
    check_equal("1\n", world.run([world.program("threads", THREADS, "-pthread")]).stdout, "ends that counted")
    helper(world, "deliver", "--now")
    spans = log_lines(world)
    check_equal([], found(world).waiting, "waiting")
    shared = only([reader_of(span) for span in spans if span["name"] == "shared"])
    check_equal({f"thread.{i}": 1 for i in range(8)}, shared["attributes"], "attributes")
    check_equal((80, 0), (len(shared["events"]), shared.get("dropped_events_count", 0)), "events")
    outer = {span["span_id"]: span for span in spans if span["name"] == "outer"}
    inner = [span for span in spans if span["name"] == "inner"]
    check_equal((16000, 16000), (len(outer), len(inner)), "spans")
    for span in inner:
        above = outer.pop(span["parent_span_id"])
        check(above["attributes"] == span["attributes"] and above["trace_id"] == span["trace_id"] and "parent_span_id" not in above, f"{span} {above}")


def reader_of(span):
    class Named(dict):
        name = span["name"]
    return Named(span)


LOADING = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <telemetry.h>

int main(int argc, char **argv)
{
    (void)argc;
    for (int i = 0; i < 3; i++) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL)
            return 3;
#define CALL(name) __typeof__(&name) name##_ = (__typeof__(&name))dlsym(library, #name)
        CALL(telemetry_options_new);
        CALL(telemetry_options_free);
        CALL(telemetry_open);
        CALL(telemetry_close);
        CALL(telemetry_span_begin);
        CALL(telemetry_span_activate);
        CALL(telemetry_span_end);
        telemetry_options *options = telemetry_options_new_("itest", "1.0.0");
        telemetry_collector *telemetry = telemetry_open_(options);
        telemetry_options_free_(options);
        telemetry_span ended, open;
        char name[20];
        sprintf(name, "ended %d", i);
        telemetry_span_begin_(telemetry, &ended, name, TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
        sprintf(name, "open %d", i);
        telemetry_span_begin_(telemetry, &open, name, TELEMETRY_SPAN_INTERNAL, &ended);
        telemetry_span_activate_(&open);
        if (telemetry_span_end_(&ended) != TELEMETRY_OK)
            return 4;
        telemetry_close_(telemetry, 5000);
        if (i == 1 && telemetry_span_end_(&open) != TELEMETRY_DISABLED)
            return 5;
        if (dlclose(library) != 0)
            return 6;
    }
    return 0;
}
"""


@test("process/dlopen", "H9 host")
def dlopen(world):
    """The library is opened and closed three times; what is open at close is abandoned, and nothing of it is left."""
    program = world.path("loading")
    subprocess.run(["gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{BUILD}/include", "-o", program, "-x", "c", "-", "-ldl"], input=LOADING, text=True,
                   check=True)
    world.run([program, f"{BUILD}/lib/libtelemetry.so"])
    check_equal({**{f"ended {i}": ["delivered"] for i in range(3)}, **{f"open {i}": ["abandoned"] for i in range(3)}}, states(world), "spans")
    check_equal([], [name for name in os.listdir(spool(world)) if name.endswith(".open")], "files of open spans")


@test("process/close", "H9 E3")
def close(world):
    """Close records what is open as abandoned and delivers it; a program that ends without close leaves it to the next."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "ended", 1, ROOT)
    driver.begin(0, 1, "at close", 1, 0)
    driver.attributes(1, *attributes(a=1))
    driver.event(1, "e")
    driver.status(1, 1, NULL)
    driver.end(0)
    check_equal(OK, driver.close(0, 10000), "close")
    check_equal({"ended": ["delivered"], "at close": ["abandoned"]}, states(world), "after close")
    span = log_lines(world)[[line["name"] for line in log_lines(world)].index("at close")]
    check_equal(({"a": 1}, "ok", ["e"]), (span["attributes"], span["status"], [event["name"] for event in span["events"]]), "what was known of it")
    driver.open(1)
    driver.begin(1, 2, "at exit", 1, ROOT)
    driver.exit()
    other = Driver(world)
    other.open()
    other.begin(0, 0, "later", 1, ROOT)
    other.end(0)
    other.close(0, 10000)
    check_equal({"ended": ["delivered"], "at close": ["abandoned"], "at exit": ["abandoned"], "later": ["delivered"]}, states(world), "after the next program")


@test("process/two", "H9 E4")
def two(world):
    """Two processes of a tool: what one has open is not touched by the other's delivery."""
    first, second = Driver(world), Driver(world)
    for driver, name in ((first, "first"), (second, "second")):
        driver.open()
        for i in range(70):
            driver.begin(0, i, f"{name} {i}", 1, ROOT)
    for i in range(0, 70, 2):
        second.end(i)
    check_equal(OK, second.flush(0, 10000), "flush")
    helper(world, "deliver", "--now")
    check_equal(sorted(f"second {i}" for i in range(0, 70, 2)), sorted(span["name"] for span in log_lines(world)), "delivered")
    check_equal(105, len(found(world).open), "open")
    second.kill()
    for i in range(70):
        check_equal(OK, first.end(i), "end")
    check_equal(OK, first.close(0, 10000), "close")
    result = states(world)
    check_equal({**{f"first {i}": ["delivered"] for i in range(70)}, **{f"second {i}": ["abandoned" if i % 2 else "delivered"] for i in range(70)}}, result, "spans")


@test("process/exec", "H10")
def execute(world):
    """A program that is replaced by another one leaves its spans; the environment that it gives hands on the trace."""
    driver = Driver(world)
    driver.open(detached=1)
    driver.begin(0, 0, "before", 1, ROOT)
    entries = driver.environment(0)
    check(re.fullmatch(r"TRACEPARENT=00-[0-9a-f]{32}-[0-9a-f]{16}-03", entries[0]) and len(entries) == 1, f"{entries}")
    driver.process.stdin.write(b"exec true\n")
    driver.process.stdin.flush()
    check_equal(0, driver.process.wait(30), "exit code")
    other = Driver(world, dict([entries[0].split("=", 1)]))
    other.open(detached=1)
    other.begin(0, 0, "after", 1, NULL)
    other.end(0)
    other.leave()
    helper(world, "deliver", "--now")
    check_equal({"before": ["abandoned"], "after": ["delivered"]}, states(world), "spans")
    spans = {span["name"]: span for span in log_lines(world)}
    check_equal((spans["before"]["trace_id"], spans["before"]["span_id"]), (spans["after"]["trace_id"], spans["after"]["parent_span_id"]), "trace")


@test("process/descriptors", "host")
def descriptors(world):
    """Collectors that are opened, used and closed leave no descriptor, mapping or file of open spans."""
    driver = Driver(world)

    def held():
        with open(f"/proc/{driver.process.pid}/maps") as file:
            maps = [line for line in file if "/telemetry/" in line]
        return len(os.listdir(f"/proc/{driver.process.pid}/fd")), len(maps)

    for number in range(30):
        driver.open()
        for i in range(100):
            driver.begin(0, i, "n", 1, ROOT)
        for i in range(50):
            driver.end(i)
        driver.close(0, 5000)
        if number == 1:
            before = held()
    check_equal(before, held(), "descriptors and mappings")
    check_equal([], [name for name in os.listdir(spool(world)) if name.endswith(".open")], "files of open spans")
    check_equal(3000, len(log_lines(world)), "spans")


CLOSING = programs.PRELUDE + r"""
#include <sys/stat.h>

int main(void)
{
    telemetry_collector *telemetry = opened();
    telemetry_span ended, open, later;
    telemetry_span_begin(telemetry, &ended, "ended", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    telemetry_span_begin(telemetry, &open, "open", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    telemetry_span_end(&ended);
    closefrom(3);
    int files[20];
    for (int i = 0; i < 20; i++)
        if ((files[i] = open_own()) < 0)
            return 3;
    puts("closed");
    fflush(stdout);
    getchar();
    usleep(5000);
    printf("%d", telemetry_span_end(&open));
    usleep(5000);
    telemetry_span_begin(telemetry, &later, "later", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    usleep(5000);
    printf(" %d\n", telemetry_span_end(&later));
    telemetry_close(telemetry, 0);
    for (int i = 0; i < 20; i++) {
        struct stat status;
        if (fstat(files[i], &status) != 0 || !S_ISCHR(status.st_mode))
            return 4;
    }
    return 0;
}
""".replace("int main(void)", "static int open_own(void) { return open(\"/dev/null\", O_RDONLY); }\n\nint main(void)", 1)


@test("process/closefrom", "host H9")
def closefrom(world):
    """A program that closes every descriptor and uses the numbers itself: its own files are not touched, and each span is delivered once."""
    program = world.program("closing", CLOSING)
    for delivers in (False, True):
        process = subprocess.Popen([program], env={**world.environment, "DETACHED": "1"}, cwd=world.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        check_equal("closed\n", process.stdout.readline(), "output")
        if delivers:
            helper(world, "deliver", "--now")
        out, _ = process.communicate("\n", timeout=30)
        check_equal(0, process.returncode, f"exit code, {out}")
        helper(world, "deliver", "--now")
        result = states(world)
        check_equal(["ended", "later", "open"], sorted(result), f"spans, delivered meanwhile: {delivers}")
        check_equal({name: 1 for name in result}, {name: len(where) for name, where in result.items()}, f"{result}, delivered meanwhile: {delivers}, said {out}")
        check_equal(["delivered"], result["later"], "later")
        os.remove(os.path.join(spool(world), "spans.jsonl"))
