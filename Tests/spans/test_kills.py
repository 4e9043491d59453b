"""E3, H9: programs that are killed at any moment while their threads begin, fill and end spans."""
import os
import random
import signal
import struct
import subprocess
import time

import programs
from driving import ROOT, Driver, attributes, found, helper, log_lines, reader, spool
from suite import check, check_equal, test
from world import BUILD, TOOL

NOT_BEGUN, BEGUN, ENDING, ENDED, REFUSED = range(5)


def check_whole(number, name, attributes, events):
    """Everything in a span is of that span: nothing is torn, and nothing is another one's."""
    check_equal(f"span {number}", name, "name")
    for key, value in attributes.items():
        if key.startswith("key."):
            start = f"value {key[4:]} of {number} "
            check(value.startswith(start) and not value[len(start):].strip(chr(97 + number % 26)), f"span {number}: {key}: {value}")
        else:
            check(key in ("number", "round") and (key != "number" or value == number), f"span {number}: {key} = {value}")
    for event_name, event_attributes in events:
        check_equal((f"event {number}", number, {"number", "round"}), (event_name, event_attributes.get("number"), set(event_attributes)), f"event of span {number}")


def number_of(name):
    return int(name.split()[1])


class Round:
    """One program, killed."""

    def __init__(self, world, program, at, seconds, threads, pause):
        self.world, self.file = world, world.path(f"said-{at}")
        process = subprocess.Popen([program, self.file, str(threads), str(pause)], env={**world.environment, "DETACHED": "1"}, cwd=world.root)
        time.sleep(seconds)
        check_equal(None, process.poll(), "the program's end before it was killed")
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.said = b""
        if os.path.exists(self.file):
            with open(self.file, "rb") as file:
                self.said = file.read().rstrip(b"\0")
            os.remove(self.file)

    def check_left(self):
        """What the reader finds before anybody has delivered."""
        left = found(self.world)
        ended, unfinished = {}, {}
        for span in left.waiting:
            number = number_of(span.name)
            check(number not in ended, f"span {number} is in the segments twice")
            check(not span.is_abandoned, f"span {number} in a segment is abandoned")
            ended[number] = span
            check_whole(number, span.name, span.attributes, [(event["name"], event["attributes"]) for event in span.events])
        for slot in left.open:
            number = number_of(slot.span.name)
            check(number not in unfinished, f"span {number} is open twice")
            unfinished[number] = slot
            check_whole(number, slot.span.name, slot.span.attributes, [(event["name"], event["attributes"]) for event in slot.span.events])
            check(number not in ended or slot.state == reader.ENDING, f"span {number} has ended and is open")
        for number, said in enumerate(self.said):
            check(said != REFUSED, f"span {number} was not recorded")
            where = (number in ended, number in unfinished)
            right = {NOT_BEGUN: [(False, False), (False, True)], BEGUN: [(False, True)], ENDING: [(True, False), (False, True), (True, True)],
                     ENDED: [(True, False)]}[said]
            check(where in right, f"span {number}, said {said}: in a segment {where[0]}, open {where[1]}")
        numbers = range(len(self.said) + 8)
        check(all(number in numbers for number in [*ended, *unfinished]), "a span that nobody began")
        return ended, unfinished

    def check_delivered(self, spans):
        """What came of them. `spans`: those of this round, from the log."""
        by_number = {}
        for span in spans:
            number = number_of(span["name"])
            check(number not in by_number, f"span {number} was delivered twice")
            by_number[number] = span
            check_whole(number, span["name"], span.get("attributes", {}),
                        [(event["name"], event.get("attributes", {})) for event in span.get("events", [])])
        for number, said in enumerate(self.said):
            span = by_number.get(number)
            if span is None:
                # Begun, or not even that: begin() had not returned.
                check(said == NOT_BEGUN, f"span {number}, said {said}, was not delivered")
                continue
            check(said not in (NOT_BEGUN, BEGUN) or span.get("abandoned", False), f"span {number}, said {said}, is not abandoned")
            check(said != ENDED or not span.get("abandoned", False), f"span {number} had ended and is abandoned")
            check(0 <= span["duration_ns"] < 10 ** 10, f"span {number} took {span['duration_ns']}")
        return by_number


@test("kills/spans", "E3 H9")
def kills(world):
    """300 runs are killed at random points: each span whose end returned is there once, each other one is abandoned once, and none is torn."""
    program = world.program("killed", programs.KILLED, "-pthread")
    random.seed(13)
    ended = unfinished = abandoned = delivered = 0
    identities = set()
    lines = 0
    for at in range(300):
        each = Round(world, program, at, random.uniform(0, 0.03), random.randint(1, 4), random.choice((0, 300, 1000)) if at % 10 == 0 else 1500)
        in_segments, in_slots = each.check_left()
        ended += len(in_segments)
        unfinished += len(in_slots)
        helper(world, "deliver", "--now")
        left = found(world)
        check_equal((0, 0), (len(left.waiting), len(left.open)), "left after delivery")
        spans = log_lines(world)
        fresh, lines = spans[lines:], len(spans)
        if at % 40 == 39:
            for name in os.listdir(spool(world)):
                if name.startswith("spans.jsonl"):
                    os.remove(os.path.join(spool(world), name))
            lines = 0
        result = each.check_delivered(fresh)
        delivered += len(result)
        abandoned += sum(span.get("abandoned", False) for span in result.values())
        check_equal(len(set(in_segments) | set(in_slots)), len(result), "spans left and delivered")
        for span in result.values():
            check(span["span_id"] not in identities, "an id of a span came twice")
            identities.add(span["span_id"])
    check(ended > 1000 and unfinished > 100, f"{ended} ended, {unfinished} open")
    return f"{ended} ended, {unfinished} open when killed; {delivered} delivered, {abandoned} as abandoned"


def left_behind(world, first):
    """A killed program's spans: ten that have ended, and ten that are open."""
    driver = Driver(world)
    driver.open(detached=1)
    for number in range(first, first + 20):
        driver.begin(0, number % 4000, f"span {number}", 1, ROOT)
        driver.attributes(number % 4000, *attributes(number=number))
        if number % 2:
            driver.end(number % 4000)
    driver.kill()


@test("kills/delivery", "E3 H9")
def delivery(world):
    """`telemetry deliver` is killed at random points while it makes segments of what killed programs left open: each span is in the log once."""
    generator = random.Random(14)
    total = 0
    for _ in range(40):
        left_behind(world, total)
        total += 20
        process = subprocess.Popen([f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", TOOL], env=world.environment, cwd=world.root, stderr=subprocess.DEVNULL)
        time.sleep(generator.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.wait()
    helper(world, "deliver", "--now")
    names = [span["name"] for span in log_lines(world)]
    check_equal(sorted(f"span {number}" for number in range(total)), sorted(names), "delivered, once each")
    for span in log_lines(world):
        number = number_of(span["name"])
        check_equal((number % 2 == 0, {"number": number}), (span.get("abandoned", False), span["attributes"]), span["name"])
    check_equal([], [name for name in os.listdir(spool(world)) if name.endswith(".open")], "files of open spans")


@test("kills/deliveries", "E4 H9")
def deliveries(world):
    """Four processes that deliver at the same time make each open span abandoned once."""
    total = 0
    for _ in range(15):
        left_behind(world, total)
        left_behind(world, total + 20)
        total += 40
        processes = [subprocess.Popen([f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", TOOL], env=world.environment, cwd=world.root, stderr=subprocess.DEVNULL)
                     for _ in range(4)]
        for process in processes:
            process.wait(60)
    helper(world, "deliver", "--now")
    check_equal(sorted(f"span {number}" for number in range(total)), sorted(span["name"] for span in log_lines(world)), "delivered, once each")


# Preloaded into a process that delivers. Before it takes the lock of the first segment, the program VICTIM is killed and gone.
BETWEEN = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void kill_victim(void)
{
    char path[64], text[256];
    int pid = atoi(getenv("VICTIM"));
    kill(pid, SIGKILL);
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    for (int i = 0; i < 10000; i++, usleep(1000)) {
        FILE *file = fopen(path, "r");
        if (file == NULL)
            break;
        char *state = fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL;
        fclose(file);
        if (state == NULL || state[2] == 'Z')
            break;
    }
    usleep(200000);
}

int openat(int directory, const char *name, int flags, ...)
{
    static int (*real)(int, const char *, int, ...);
    static int is_done;
    va_list more;
    va_start(more, flags);
    int mode = flags & O_CREAT ? va_arg(more, int) : 0;
    va_end(more);
    size_t length = strlen(name);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "openat");
    if (!is_done && length > 4 && strcmp(name + length - 4, ".seg") == 0 && (flags & O_ACCMODE) == O_RDWR) {
        is_done = 1;
        kill_victim();
    }
    return real(directory, name, flags, mode);
}
"""


def in_the_middle(world, text):
    """A program that stands still in the middle of the end of a span: its place is reserved and noted, and half of the record is written. The file of open spans."""
    driver = Driver(world)
    driver.open(detached=1)
    driver.begin(0, 0, "whole", 1, ROOT)
    driver.end(0)
    driver.begin(0, 1, "ending", 1, ROOT)
    driver.attributes(1, *attributes(number=1, text=text))
    driver.begin(0, 2, "open", 1, ROOT)
    driver.process.send_signal(signal.SIGSTOP)
    directory = spool(world)
    segment, = [os.path.join(directory, name) for name in os.listdir(directory) if name.endswith(".seg")]
    slots, = [os.path.join(directory, name) for name in os.listdir(directory) if name.endswith(".open")]
    with open(segment, "r+b") as file, open(slots, "r+b") as its:
        image, open_image = file.read(), its.read()
        generation = reader.Description.parse(image).generation
        word, = struct.unpack_from("<Q", image)
        at = next(at for at in range(reader.HEADER_BYTES, len(open_image), reader.SLOT_BYTES) if b"ending" in open_image[at:at + reader.SLOT_BYTES])
        length = struct.unpack_from("<Q", open_image, at)[0] & 0xFFFF
        tail, size = word & 0xFFFFFF, (length + 7) // 8
        its.seek(at + 8)
        its.write(struct.pack("<Q", generation))
        its.seek(at)
        its.write(struct.pack("<Q", tail << 32 | 2 << 16 | length))
        file.seek(tail * 8)
        file.write(open_image[at + 16:at + 16 + length // 2])
        file.seek(0)
        file.write(struct.pack("<Q", word + size + (1 << 24) + (1 << 48)))
    return driver, slots


def deliver_between(world, driver):
    if not hasattr(world, "between"):
        world.between = world.preload("between", BETWEEN)
    helper(world, "deliver", "--now", expected=None, environment={"LD_PRELOAD": world.between, "VICTIM": str(driver.process.pid)})
    check_equal(-signal.SIGKILL, driver.process.wait(10), "the program's end")


EACH_ONCE = [("ending", False), ("open", True), ("whole", False)]


def once(world):
    return sorted((span["name"], span.get("abandoned", False)) for span in log_lines(world))


@test("kills/between", "E3 H9")
def between(world):
    """A program is killed with half a record written, between a delivery's look at its open spans and at its segment: each span is there once."""
    driver, _ = in_the_middle(world, "x" * 300)
    deliver_between(world, driver)
    helper(world, "deliver", "--now")
    check_equal(EACH_ONCE, once(world), "spans")
    ending, = [span for span in log_lines(world) if span["name"] == "ending"]
    check_equal({"number": 1, "text": "x" * 300}, ending["attributes"], "what was said of the span")
    check_equal([], [name for name in os.listdir(spool(world)) if name.endswith(".open")], "files of open spans")


@test("kills/between-locks", "E3 H9")
def between_locks(world):
    """The same while the killed program has not let go of its open spans: the segment waits for them."""
    driver, slots = in_the_middle(world, "y")
    with open(slots, "rb") as file:
        holder = subprocess.Popen(["flock", str(file.fileno())], pass_fds=[file.fileno()])
        deliver_between(world, driver)
        check_equal(0, holder.wait(10), "the lock")
        check("ending" not in [name for name, _ in once(world)], "delivered, or lost, while it was locked")
        helper(world, "deliver", "--now", expected=None)
        check_equal([], once(world), "delivered while it was locked")
    helper(world, "deliver", "--now")
    check_equal(EACH_ONCE, once(world), "spans")
