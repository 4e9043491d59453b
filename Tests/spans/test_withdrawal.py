"""A17, A18, B2: what a refusal does to spans that are open, that wait and that were delivered."""
import os
import subprocess

import programs
from driving import (DISABLED, OK, ROOT, Driver, attributes, files_below, found, helper, log_lines, spool, wait_for, waiting)
from suite import check, check_equal, test
from test_processes import states
from world import BUILD


def opened(world, **options):
    """A program with a span that has ended and one that is open, and what it says after a while of withdrawn consent."""
    driver = Driver(world)
    driver.open(**options)
    driver.begin(0, 0, "ended before", 1, ROOT)
    driver.attributes(0, *attributes(secret="canary-ended"))
    driver.end(0)
    driver.begin(0, 1, "open before", 1, ROOT)
    driver.attributes(1, *attributes(secret="canary-open"))
    return driver


def everything(path):
    """Every byte of every file below it."""
    data = b""
    for name in files_below(path):
        with open(os.path.join(path, name), "rb") as file:
            data += file.read()
    return data


def only_later_spans_leave(world):
    helper(world, "deliver", "--now")
    check_equal({"after": ["delivered"]}, states(world), "spans")
    check(b"canary" not in everything(world.path("home")), "canary")


@test("withdrawal/disable", "A18")
def disable(world):
    """`disable` while spans are open and waiting: the program notices, nothing of them leaves or is left, and their context goes on."""
    driver = opened(world, detached=1)
    parent = driver.traceparent(1)
    helper(world, "disable")
    check_equal(DISABLED, driver.end(1), "end after the refusal")
    wait_for(lambda: not driver.enabled(0), "the program notices")
    check_equal(DISABLED, driver.begin(0, 2, "after", 1, 1), "begin after the refusal")
    check_equal(parent, driver.traceparent(2), "the parent's context")
    check_equal([DISABLED] * 3, [driver.attributes(1, *attributes(a=1)), driver.event(1, "e"), driver.status(1, 2, "m")], "changes after the refusal")
    driver.close(0, 5000)
    driver.leave()
    helper(world, "deliver", "--now")
    check_equal({}, states(world), "spans")
    check_equal([], [name for name in files_below(spool(world)) if name.endswith((".open", ".jsonl"))], "files")
    check(b"canary" not in everything(world.path("home")), f"{[name for name in files_below(world.path('home'))]}")


@test("withdrawal/again", "A18")
def again(world):
    """`disable` and `enable` again: nothing of before leaves, what is begun later does."""
    driver = opened(world, detached=1)
    helper(world, "disable")
    helper(world, "enable")
    check_equal(DISABLED, driver.end(1), "end of what was open before")
    fresh = Driver(world)
    fresh.open(detached=1)
    fresh.begin(0, 0, "after", 1, ROOT)
    check_equal(OK, fresh.end(0), "a program that begins later")
    fresh.leave()
    driver.kill()
    only_later_spans_leave(world)


@test("withdrawal/again-killed", "A18")
def again_killed(world):
    """The same if the program is killed before it has noticed: its open spans are of before, and are not delivered."""
    driver = opened(world, detached=1)
    helper(world, "disable")
    helper(world, "enable")
    driver.kill()
    other = Driver(world)
    other.open()
    other.begin(0, 0, "after", 1, ROOT)
    other.end(0)
    other.close(0, 10000)
    only_later_spans_leave(world)
    check_equal([], [name for name in os.listdir(spool(world)) if name.endswith(".open")], "files of open spans")


@test("withdrawal/begun-after", "A18")
def begun_after(world):
    """A program that lives through `disable` and `enable` records the spans that it begins after it has noticed."""
    driver = opened(world, detached=1)
    helper(world, "disable")
    helper(world, "enable")
    driver.end(1)
    driver.sleep(20)
    driver.begin(0, 2, "first look", 1, ROOT)
    driver.end(2)
    driver.sleep(20)
    answers = [driver.begin(0, 3, "after", 1, ROOT), driver.end(3)]
    enabled = driver.enabled(0)
    driver.leave()
    helper(world, "deliver", "--now")
    # Whoever has noticed the refusal stays off, or goes on: but it says which.
    check_equal([OK, OK] if enabled else [DISABLED, DISABLED], answers, f"enabled {enabled}")
    check_equal(["delivered"] if enabled else None, states(world).get("after"), "the span of after")
    check(b"canary" not in everything(world.path("home")), "canary")
    return f"enabled: {enabled}"


@test("withdrawal/dead-program", "A18")
def dead_program(world):
    """What a killed program left is gone after `disable`, and does not come back with `enable`."""
    driver = opened(world, detached=1)
    driver.kill()
    check_equal((1, 1), (len(waiting(world)), len(found(world).open)), "left")
    helper(world, "disable")
    check(b"canary" not in everything(world.path("home")), "canary after disable")
    helper(world, "enable")
    helper(world, "deliver", "--now")
    check_equal({}, states(world), "spans")


@test("withdrawal/variable", "A18")
def variable(world):
    """A later run under DO_NOT_TRACK delivers nothing of what waits."""
    driver = opened(world, detached=1)
    driver.kill()
    world.environment["DO_NOT_TRACK"] = "1"
    world.run([f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", "itest"], expected=None)
    check_equal([], log_lines(world), "delivered")


@test("withdrawal/drop", "A18 E10")
def drop(world):
    """telemetry_drop() voids open and waiting spans; later ones are recorded."""
    driver = opened(world, detached=1)
    other = opened(world, detached=1)
    check_equal(OK, driver.drop(0), "drop")
    check_equal(DISABLED, driver.end(1), "end of a span from before")
    driver.begin(0, 2, "after", 1, ROOT)
    check_equal(OK, driver.end(2), "a later span")
    check_equal(DISABLED, other.end(1), "end in the other program")
    other.leave()
    driver.leave()
    only_later_spans_leave(world)


@test("withdrawal/drop-without-spans", "A18")
def drop_without(world):
    """telemetry_drop() of a program that has no spans voids those of others."""
    other = opened(world, detached=1)
    driver = Driver(world)
    driver.open()
    driver.track(0)
    check_equal(OK, driver.drop(0), "drop")
    driver.leave()
    check_equal(DISABLED, other.end(1), "end in the other program")
    other.leave()
    helper(world, "deliver", "--now")
    check_equal({}, states(world), "spans")


@test("withdrawal/reset", "B2")
def reset(world):
    """`reset` removes every file of spans: waiting, open, delivered, and those of receivers of the user's own."""
    driver = opened(world, detached=1)
    driver.kill()
    helper(world, "deliver", "--now")
    driver = opened(world, detached=1)
    driver.kill()
    check({name.rsplit(".", 1)[1] for name in files_below(spool(world)) if "." in name} >= {"open", "seg", "jsonl"}, f"{files_below(spool(world))}")
    helper(world, "reset")
    left = [name for name in files_below(world.path("home", ".local")) if "spans" in name or name.endswith((".open", ".seg", ".jsonl"))]
    check_equal([], [name for name in left if "deletion" not in name], "files")
    check(not os.path.exists(spool(world)), "the directory")
    check(b"canary" not in everything(world.path("home")), "canary")


@test("withdrawal/reset-while-open", "B2")
def reset_open(world):
    """`reset` while a program has spans open: nothing of them comes back."""
    driver = opened(world, detached=1)
    helper(world, "reset")
    check_equal(DISABLED, driver.end(1), "end")
    driver.begin(0, 2, "later", 1, ROOT)
    driver.end(2)
    driver.close(0, 5000)
    driver.leave()
    check(b"canary" not in everything(world.path("home")), f"{files_below(world.path('home'))}")


# withdrawn: threads begin and end spans without pause until consent is gone; prints the number of ends that said that they were recorded.
WITHDRAWN = programs.PRELUDE + r"""
static telemetry_collector *telemetry;

static void *work(void *unused)
{
    (void)unused;
    int refused = 0;
    telemetry_attribute attribute = telemetry_string("canary", "canary-thread");
    while (refused < 1000) {
        telemetry_span span;
        telemetry_span_begin(telemetry, &span, "n", TELEMETRY_SPAN_INTERNAL, NULL);
        telemetry_span_set_attributes(&span, &attribute, 1);
        refused += telemetry_span_end(&span) == TELEMETRY_DISABLED;
    }
    return NULL;
}

int main(void)
{
    telemetry = opened();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    telemetry_close(telemetry, 0);
    return 0;
}
"""


@test("withdrawal/threads", "A18 host")
def threads(world):
    """Consent is withdrawn while four threads record spans without pause: they end, and no byte of a span is left."""
    program = world.program("withdrawn", WITHDRAWN, "-pthread")
    for _ in range(10):
        process = subprocess.Popen([program], env={**world.environment, "DETACHED": "1"}, cwd=world.root)
        wait_for(lambda: os.path.isdir(spool(world)) and any(name.endswith(".seg") for name in os.listdir(spool(world))), "spans")
        helper(world, "disable")
        check_equal(0, process.wait(60), "exit code")
        left = everything(spool(world))
        check(b"canary" not in left, f"{files_below(spool(world))}")
        helper(world, "enable")
        helper(world, "deliver", "--now")
        check_equal([], log_lines(world), "delivered")
