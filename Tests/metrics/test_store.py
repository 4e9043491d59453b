"""H1, H2, H5: the store, through C and the helper, read by an independent reader."""
import json
import os
import random
import signal
import subprocess
import time

import metrics_reader
import programs
from suite import check, check_equal, test
from world import BUILD, TOOL, USER


def told(world, text, *arguments, expected=0):
    """The helper, with that on its standard input."""
    done = subprocess.run([f"{BUILD}/bin/telemetry", *arguments, "--tool", TOOL], input=text, text=True, capture_output=True, env=world.environment,
                          cwd=world.root, timeout=120)
    check_equal(expected, done.returncode, f"exit code of {arguments} ({done.stderr[-300:]})")
    return done


def read(world, tool=TOOL):
    return metrics_reader.read(world.path("home", ".local", "state", "telemetry", tool))


@test("store/types", "H1")
def types(world):
    """Every type and every way of recording, as an independent reader sees it."""
    world.telemetry("enable")
    program = world.program("types", programs.PRELUDE + r"""
int main(void)
{
    static const double bounds[] = {1, 2, 5};
    telemetry_metric_declaration metrics[] = {
        {.size = sizeof metrics[0], .name = "c", .type = TELEMETRY_COUNTER, .unit = "By", .description = "Bytes: \xc3\xa4"},
        {.size = sizeof metrics[0], .name = "u", .type = TELEMETRY_UP_DOWN_COUNTER},
        {.size = sizeof metrics[0], .name = "g", .type = TELEMETRY_GAUGE},
        {.size = sizeof metrics[0], .name = "h", .type = TELEMETRY_HISTOGRAM, .unit = "s", .bounds = bounds, .bound_count = 3},
        {.size = sizeof metrics[0], .name = "e", .type = TELEMETRY_EXPONENTIAL_HISTOGRAM},
        {.size = sizeof metrics[0], .name = "d", .type = TELEMETRY_HISTOGRAM}};
    telemetry_collector *telemetry = opened(metrics, 6);
    telemetry_attribute attributes[] = {telemetry_string("text", "x y"), telemetry_int("int", -5), telemetry_double("double", 0.5),
                                        telemetry_bool("bool", true)};
    telemetry_metric *c = telemetry_metric_find(telemetry, "C"), *u = telemetry_metric_find(telemetry, "u");
    telemetry_metric *g = telemetry_metric_find(telemetry, "g"), *h = telemetry_metric_find(telemetry, "h");
    telemetry_metric *e = telemetry_metric_find(telemetry, "e");
    int worst = 0;
    worst |= telemetry_metric_add(c, 3, attributes, 4);
    telemetry_attribute turned[] = {attributes[3], attributes[2], attributes[1], attributes[0]};
    worst |= telemetry_metric_add_double(c, 4, turned, 4);
    worst |= telemetry_series_add(telemetry_metric_bind(c, turned, 4), 5);
    worst |= telemetry_series_add_double(telemetry_metric_bind(c, turned, 4), 0.25);
    if (telemetry_metric_bind(c, turned, 4) != telemetry_metric_bind(c, turned, 4)) worst = 99;
    worst |= telemetry_metric_add(u, -7, NULL, 0);
    worst |= telemetry_metric_set(g, 1.5, NULL, 0);
    worst |= telemetry_metric_add(g, 1, NULL, 0);
    worst |= telemetry_series_set(telemetry_metric_bind(g, attributes, 1), -2);
    for (int i = 0; i < 7; i++) worst |= telemetry_metric_observe(h, i, NULL, 0);
    worst |= telemetry_series_observe(telemetry_metric_bind(h, NULL, 0), 0.5);
    for (int i = -3; i < 1000; i++) worst |= telemetry_metric_observe(e, i, NULL, 0);
    worst |= telemetry_series_observe(telemetry_metric_bind(e, NULL, 0), 1e-300);
    worst |= telemetry_count(telemetry, "by.name", 2, attributes, 1);
    worst |= telemetry_gauge(telemetry, "by.name.gauge", 2, NULL, 0);
    worst |= telemetry_observe(telemetry, "d", 0.002, NULL, 0);
    telemetry_metric_bind(c, attributes, 1);
    telemetry_close(telemetry, 0);
    printf("%d\n", worst);
    return 0;
}
""")
    check_equal("0\n", world.run([program]).stdout, "worst status")
    seen = read(world)
    everything = {"text": "x y", "int": -5, "double": 0.5, "bool": True}
    check_equal(12.25, seen.value("c", **everything), "counter")
    check_equal(0, seen.value("c", text="x y"), "a bound series without an addition")
    check_equal(-7, seen.value("u"), "up-down counter")
    check_equal(2.5, seen.value("g"), "gauge")
    check_equal(-2.0, seen.value("g", text="x y"), "bound gauge")
    histogram = seen.value("h")
    check_equal((8, 21.5, [3, 1, 3, 1], 0.0, 6.0), tuple(histogram[name] for name in ("count", "sum", "buckets", "low", "high")), "histogram")
    exponential = seen.value("e")
    check_equal((1004, 1), (exponential["count"], exponential["zeros"]), "exponential")
    check_equal(3, sum(exponential["negative"].values()), "negative values")
    # base = 2 ** (2 ** -scale); the range from 1e-300 to 999 in 160 buckets
    expected = {}
    for value in [1e-300, *range(1, 1000)]:
        expected[index(value, exponential["scale"])] = expected.get(index(value, exponential["scale"]), 0) + 1
    check_equal(expected, exponential["positive"], "positive buckets")
    check(max(expected) - min(expected) < 160, "160 buckets at most")
    check(2 * (max(expected) - min(expected)) >= 160, "and no lower scale than needed")
    check_equal(2, seen.value("by.name", text="x y"), "counter by name")
    check_equal(2.0, seen.value("by.name.gauge"), "gauge by name")
    check_equal(1, seen.value("d")["count"], "default bounds")
    check(0.001 in [each for each in seen.metrics.values() if each["name"] == "d"][0]["bounds"], "bounds for seconds")
    first = [each for each in seen.metrics.values() if each["name"] == "c"][0]
    check_equal(("By", "Bytes: ä"), (first["unit"], first["description"]), "unit and description")
    for file in os.listdir(world.path("home", ".local", "state", "telemetry", TOOL)):
        check(not file.endswith(".seg") and file not in ("machine-id", "salt"), f"{file} for a program without an event")


def index(value, scale):
    """Exactly: the i with base^i < value <= base^(i+1), for scales up to 0."""
    assert scale <= 0
    mantissa, exponent = __import__("math").frexp(value)
    zero = exponent - 2 if mantissa == 0.5 else exponent - 1
    return zero >> -scale


@test("store/helper", "H1")
def helper(world):
    """The helper's commands, one by one and many lines at once."""
    world.telemetry("enable")
    world.telemetry("count", "builds")
    world.telemetry("count", "builds", "--by", "4")
    world.telemetry("count", "builds", "--by", "0.5", "--attribute", "target=all", "--attribute", "n:int=3")
    world.telemetry("gauge", "size", "17.5")
    world.telemetry("gauge", "size", "18")
    world.telemetry("observe", "duration", "0.3", "--attribute", "step=link")
    done = world.run([f"{BUILD}/bin/telemetry", "time", "duration", "--tool", TOOL, "--attribute", "step=sleep", "--", "sh", "-c", "sleep 0.06; exit 7"],
                     expected=7)
    check_equal("", done.stdout + done.stderr, "what time printed")
    lines = "builds 2\nbuilds\r\nbuilds 3 target=all n:int=3\r\n\r\nbuilds\t5\twhere=at home\nlast"
    told(world, lines, "count", "--batch", "-")
    seen = read(world)
    check_equal((8, 3.5, 5, 1), (seen.value("builds"), seen.value("builds", target="all", n=3), seen.value("builds", where="at home"),
                                 seen.value("last")), "counters")
    check_equal(18.0, seen.value("size"), "gauge")
    check_equal(1, seen.value("duration", step="link")["count"], "observed")
    slept = seen.value("duration", step="sleep")
    check(slept["count"] == 1 and 0.05 < slept["sum"] < 30, f"slept {slept['sum']}")


@test("store/time-not-started", "H1")
def time_not_started(world):
    """A program that could not be started has no duration: nothing is counted, and the exit code is the shell's."""
    world.telemetry("enable")
    timed = lambda program, code: world.run([f"{BUILD}/bin/telemetry", "time", "duration", "--tool", TOOL, "--", *program], expected=code)
    with open(world.path("not-executable"), "w") as file:
        file.write("#!/bin/sh\n")
    for program, code, words in ((["no-such-program"], 127, "no-such-program: command not found"), (["/no/such/file"], 127, "/no/such/file: "),
                                 ([world.path("not-executable")], 126, "not-executable: "), ([world.path(".")], 126, ": ")):
        done = timed(program, code)
        check(words in done.stderr and done.stderr.count("\n") == 1 and done.stdout == "", f"{program}: {done.stdout}{done.stderr}")
    check(not os.path.exists(world.path("home", ".local", "state", "telemetry", TOOL, "metrics")), "something was counted")
    # The codes alone mean nothing: these programs ran.
    for code in (127, 126):
        timed(["sh", "-c", f"exit {code}"], code)
    check_equal(2, read(world).value("duration")["count"], "programs that ran")


@test("store/helper-mistakes", "H1")
def helper_mistakes(world):
    """A mistake says what, where and what was expected, and the other lines are recorded."""
    world.telemetry("enable")
    for arguments, words in ((["count"], "missing NAME"), (["count", "a", "--by", "x"], "--by needs a number"), (["gauge", "a"], "missing VALUE"),
                             (["gauge", "a", "x"], "VALUE"), (["count", "1a"], "no name of a metric"), (["count", "a", "--by", "-1"], "below 0"),
                             (["count", "a", "--attribute", "x"], "--attribute needs k=v"), (["count", "a", "b"], "--by"),
                             (["count", "--batch", "x"], "--batch -"), (["count", "a", "--batch", "-"], "--batch"), (["time", "a"], "PROGRAM")):
        done = told(world, "", *arguments, expected=2)
        check(words in done.stderr and done.stderr.count("\n") == 1, f"{arguments}: {done.stderr}")
    done = told(world, "ok 2\nok x\n1bad\nok k\nok -1\nok 3 k=v\nok\0x 2\n", "count", "--batch", "-", expected=2)
    for number in (2, 3, 4, 5):
        check(f"line {number}: " in done.stderr, done.stderr)
    check("line 7: holds a NUL byte" in done.stderr, done.stderr)
    check_equal(5, done.stderr.count("\n"), "lines of complaint")
    seen = read(world)
    check_equal((2, 3), (seen.value("ok"), seen.value("ok", k="v")), "the right lines")
    world.telemetry("gauge", "ok", "1", expected=2)
    check_equal(2, read(world).value("ok"), "still a counter")


@test("store/no-consent", "A1")
def no_consent(world):
    """Without consent nothing is made, in C and in the helper."""
    program = world.program("recorder", programs.RECORDER)
    world.environment["DO_NOT_TRACK"] = "1"
    check_equal("---", world.run([program, "3"]).stdout, "answers")
    for arguments in (["count", "a"], ["gauge", "a", "1"], ["observe", "a", "1"]):
        world.telemetry(*arguments)
    world.run([f"{BUILD}/bin/telemetry", "time", "a", "--tool", TOOL, "--", "true"])
    told(world, "a\nb\n", "count", "--batch", "-")
    check(not os.path.exists(world.path("home", ".local")), "something was made")


@test("store/short-programs", "H2")
def short_programs(world):
    """1,000 short programs of C and of the helper, 200 of them killed: every addition that returned is counted, once."""
    world.telemetry("enable")
    program = world.program("recorder", programs.RECORDER)
    random.seed(12)
    acknowledged = {"c": 0, "sh": 0}
    unknown = {"c": 0, "sh": 0}
    running = []

    def end(process, kind, is_killed):
        out, _ = process.communicate()
        if kind == "c":
            check(b"?" not in out, f"answers {out}")
            acknowledged["c"] += out.count(b"+")
            unknown["c"] += is_killed
        elif process.returncode == 0 and json.loads(out)["status"] == "ok":
            acknowledged["sh"] += 1
        else:
            unknown["sh"] += 1

    for number in range(1000):
        is_killed = number % 5 == 0
        kind = "sh" if number % 4 == 3 else "c"
        command = [f"{BUILD}/bin/telemetry", "count", "requests", "--attribute", "from=sh", "--json", "--tool", TOOL] if kind == "sh" else [program, "300" if is_killed else "5"]
        process = subprocess.Popen(command, env=world.environment, cwd=world.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        running.append((process, kind, is_killed))
        if is_killed:
            time.sleep(random.uniform(0, 0.003))
            process.send_signal(signal.SIGKILL)
        if len(running) == 8:
            end(*running.pop(0))
    for each in running:
        end(*each)
    seen = read(world)
    for kind in ("c", "sh"):
        value = seen.value("requests", **{"from": kind}) or 0
        check(acknowledged[kind] <= value <= acknowledged[kind] + unknown[kind], f"{kind}: {value}, {acknowledged[kind]} returned, {unknown[kind]} killed")
    # A helper that has no room says so, and its exit code is 0.
    check(acknowledged["c"] > 3000 and acknowledged["sh"] > 190, f"{acknowledged}")
    check_equal(2, len(seen.series) - sum("otel.metric.overflow" in each["attributes"] for each in seen.series), "series")
    return f"{acknowledged}, {sum(unknown.values())} killed"


@test("store/withdrawn", "A18")
def withdrawn(world):
    """After `disable` nothing is added any more, nothing is kept, and what follows begins at 0."""
    world.telemetry("enable")
    program = world.program("recorder", programs.RECORDER)
    child = subprocess.Popen([program, "100000", "200"], env=world.environment, cwd=world.root, stdout=subprocess.PIPE)
    while len(child.stdout.read(64)) < 64:
        pass
    world.telemetry("disable")
    check(not os.path.exists(world.path("home", ".local", "state", "telemetry", TOOL, "metrics")), "the file is there")
    time.sleep(0.3)
    os.set_blocking(child.stdout.fileno(), False)
    child.stdout.read()
    time.sleep(0.2)
    check_equal(b"-", bytes({*(child.stdout.read() or b"?")}), "answers after the refusal")
    world.telemetry("enable")
    world.telemetry("count", "requests", "--attribute", "from=sh")
    check_equal(1, read(world).total("requests"), "after the new answer")
    child.kill()
    child.communicate()
    world.telemetry("reset", expected=None)
    check(not os.path.exists(world.path("home", ".local", "state", "telemetry", TOOL, "metrics")), "the file is there after reset")


@test("store/refused-by-hand", "A18")
def refused_by_hand(world):
    """A refusal that is written into the answer's file by hand ends recording within a second, and erases the file."""
    world.telemetry("enable")
    program = world.program("recorder", programs.RECORDER)
    child = subprocess.Popen([program, "100000", "1000"], env=world.environment, cwd=world.root, stdout=subprocess.PIPE)
    while len(child.stdout.read(64)) < 64:
        pass
    with open(world.path("home", ".config", "telemetry", TOOL, "enabled"), "w") as file:
        file.write("false\n")
    deadline = time.monotonic() + 20
    while os.path.exists(world.path("home", ".local", "state", "telemetry", TOOL, "metrics")) and time.monotonic() < deadline:
        time.sleep(0.02)
    check(not os.path.exists(world.path("home", ".local", "state", "telemetry", TOOL, "metrics")), "the file is there")
    os.set_blocking(child.stdout.fileno(), False)
    child.stdout.read()
    time.sleep(0.2)
    check_equal(b"-", bytes({*(child.stdout.read() or b"?")}), "answers after the refusal")
    child.kill()
    child.communicate()


@test("store/cut", "H2")
def cut(world):
    """A file that is cut short or removed under a program costs what was in it, and no program."""
    world.telemetry("enable")
    # A bound series is not looked at before each addition: docs/metrics.md.
    program = world.program("recorder", programs.RECORDER.replace("i % 3 == 0", "0"))
    file = world.path("home", ".local", "state", "telemetry", TOOL, "metrics")
    for harm in (lambda: os.truncate(file, 0), lambda: os.unlink(file), lambda: os.truncate(file, 30000),
                 lambda: subprocess.run(["rm", "-rf", os.path.dirname(file)], check=True)):
        with open(world.path("answers"), "wb") as answers:
            child = subprocess.Popen([program, "60", "20000"], env=world.environment, cwd=world.root, stdout=answers)
            while os.path.getsize(world.path("answers")) < 6:
                time.sleep(0.005)
            harm()
            check_equal(0, child.wait(), "exit code")
        with open(world.path("answers"), "rb") as answers:
            check_equal(b"+" * 60, answers.read(), "answers")
        left = read(world).total("requests")
        check(30 < left < 60, f"{left} of 60 are in the new file")
        world.telemetry("reset", expected=None)
        world.telemetry("enable")


@test("store/later-version", "H2")
def later_version(world):
    """A file of a later version is left alone; metrics are in memory then."""
    world.telemetry("enable")
    world.telemetry("count", "a")
    file = world.path("home", ".local", "state", "telemetry", TOOL, "metrics")
    with open(file, "r+b") as opened:
        opened.seek(7)
        opened.write(b"\x02")
    with open(file, "rb") as opened:
        before = opened.read()
    world.telemetry("count", "a")
    check_equal("+++", world.run([world.program("recorder", programs.RECORDER), "3"]).stdout, "answers")
    with open(file, "rb") as opened:
        check(before == opened.read(), "the file was changed")


@test("store/damaged", "H2")
def damaged(world):
    """Files with any bytes in them end no program."""
    world.telemetry("enable")
    program = world.program("recorder", programs.RECORDER)
    file = world.path("home", ".local", "state", "telemetry", TOOL, "metrics")
    world.run([program, "30"])
    with open(file, "rb") as opened:
        good = opened.read()
    draw = random.Random(3)
    for number in range(60):
        bad = bytearray(good)
        for _ in range(draw.randint(1, 40)):
            at = draw.choice((draw.randrange(64, 256), draw.randrange(4096, 20480), draw.randrange(20480, 22000)))
            bad[at:at + 4] = draw.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x00\x50\x00\x00", bytes(draw.randrange(256) for _ in range(4))))
        with open(file, "wb") as opened:
            opened.write(bad)
        done = world.run([program, "9"], expected=None)
        check(done.returncode == 0, f"damage {number}: {done.returncode}")
        world.telemetry("count", "requests", "--attribute", "from=c", expected=None)


@test("store/full-disk", "H2")
def full_disk(world):
    """On a full disk metrics are in memory, and no program notices."""
    disk = world.small_disk("state", 100)
    world.environment["XDG_STATE_HOME"] = disk
    world.telemetry("enable")
    world.fill(disk)
    check_equal("+++", world.run([world.program("recorder", programs.RECORDER), "3"]).stdout, "answers")
    world.telemetry("count", "a")


@test("store/no-room-to-grow", "H5")
def no_room_to_grow(world):
    """When the disk is full later, what has no place is added to the overflow series: the total stays exact."""
    disk = world.small_disk("state", 400)
    world.environment["XDG_STATE_HOME"] = disk
    world.telemetry("enable")
    lines = "".join(f"a key={number}-{'x' * 200}\n" for number in range(1500))
    told(world, lines, "count", "--batch", "-")
    seen = metrics_reader.read(os.path.join(disk, "telemetry", TOOL))
    check_equal(1500, seen.total("a"), "total")
    check(seen.overflowed > 300 and seen.value("a", **{"otel.metric.overflow": True}) == seen.overflowed, f"{seen.overflowed} overflowed")


@test("store/cardinality", "H5")
def cardinality(world):
    """100,000 distinct series: 2,000 of them, the others in the overflow series, and the total exact."""
    world.telemetry("enable")
    lines = "".join(f"a key={number}\n" for number in range(100_000))
    told(world, lines, "count", "--batch", "-")
    seen = read(world)
    check_equal((100_000, 98_000), (seen.total("a"), seen.value("a", **{"otel.metric.overflow": True})), "total and overflow")
    check(os.path.getsize(world.path("home", ".local", "state", "telemetry", TOOL, "metrics")) < 1 << 20, "the file's size")


@test("store/tools-and-users", "H2")
def tools_and_users(world):
    """Two tools, and two users, have files of their own."""
    world.telemetry("enable")
    world.run([f"{BUILD}/bin/telemetry", "enable", "--tool", "other"])
    world.telemetry("count", "a")
    world.run([f"{BUILD}/bin/telemetry", "count", "a", "--by", "5", "--tool", "other"])
    check_equal((1, 5), (read(world).value("a"), read(world, "other").value("a")), "values")
    file = world.path("home", ".local", "state", "telemetry", TOOL, "metrics")
    check_equal(0o600, os.stat(file).st_mode & 0o777, "mode")
    # Another user with the same HOME can neither read nor change it.
    world.run([f"{BUILD}/bin/telemetry", "count", "a", "--tool", TOOL], user=USER, expected=None)
    check_equal(1, read(world).value("a"), "after another user")


@test("store/fork", "H2")
def fork(world):
    """A child adds to the same series as its parent, with its handles."""
    world.telemetry("enable")
    program = world.program("forks", programs.PRELUDE + r"""
int main(void)
{
    telemetry_metric_declaration a = {.size = sizeof a, .name = "a", .type = TELEMETRY_COUNTER};
    telemetry_collector *telemetry = opened(&a, 1);
    telemetry_metric *metric = telemetry_metric_find(telemetry, "a");
    telemetry_series *series = telemetry_metric_bind(metric, NULL, 0);
    telemetry_series_add(series, 1);
    for (int i = 0; i < 20; i++)
        if (fork() == 0) {
            for (int j = 0; j < 500; j++) {
                telemetry_series_add(series, 1);
                telemetry_attribute attribute = telemetry_int("child", i);
                telemetry_metric_add(metric, 1, &attribute, 1);
            }
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    telemetry_close(telemetry, 0);
    return 0;
}
""")
    world.run([program])
    seen = read(world)
    check_equal(10_001, seen.value("a"), "the shared series")
    for child in range(20):
        check_equal(500, seen.value("a", child=child), f"child {child}")


@test("store/look-ups", "H1 H2")
def look_ups(world):
    """Found by attributes in changing order, in buffers that are used again, many and long ones, by threads and children: each value
    is in its series, and an addition allocates nothing."""
    world.telemetry("enable")
    program = world.program("look-ups", programs.PRELUDE + r"""
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
static __thread volatile unsigned long allocations;
void *malloc(size_t size) { allocations++; return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { allocations++; return __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { allocations++; return __libc_realloc(old, size); }
int posix_memalign(void **result, size_t alignment, size_t size)
{
    allocations++;
    return (*result = __libc_memalign(alignment, size)) ? 0 : 12;
}
#define ROUNDS 4000
static telemetry_metric *metric;
static unsigned long wrong;

static void add(unsigned i, const telemetry_attribute *attributes, size_t count)
{
    telemetry_status status = telemetry_metric_add(metric, i % 3, attributes, count);
    if (status != TELEMETRY_OK)
        __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

/* Ten series with two attributes, in either order, in buffers with other bytes behind the text. */
static void add_short(unsigned i)
{
    char method[40], status[40];
    memset(method, 'x', sizeof method);
    memset(status, 'x', sizeof status);
    snprintf(method, sizeof method, "%.*s", (int)(i % 5 * 4 + 1), "abcdefghijklmnopqrstuvwxyz");
    snprintf(status, sizeof status, "%d", i % 2 ? 200 : 31415926);
    telemetry_attribute one = telemetry_string("method", method), other = telemetry_string("status", status);
    telemetry_attribute pair[2] = {i % 7 ? one : other, i % 7 ? other : one};
    add(i, pair, 2);
}

/* Twenty attributes; and more than a thousand bytes. */
static void add_many(unsigned i)
{
    static const char *keys[20] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
    static char text[901];
    if (!text[0])
        memset(text, 'y', 900);
    telemetry_attribute many[20];
    for (int k = 0; k < 20; k++)
        many[k] = k % 4 ? telemetry_int(keys[k], k) : telemetry_bool(keys[k], i % 2);
    add(i, many, 20);
    telemetry_attribute long_ones[3] = {telemetry_string("u", text), telemetry_string("v", text), telemetry_double("w", 0.5)};
    add(i, long_ones, 3);
}

static void *thread(void *unused)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        add_short(i), add_many(i);
    return unused;
}

int main(void)
{
    telemetry_metric_declaration c = {.size = sizeof c, .name = "c", .type = TELEMETRY_COUNTER};
    telemetry_collector *telemetry = opened(&c, 1);
    metric = telemetry_metric_find(telemetry, "c");
    pthread_t threads[4];
    for (int t = 0; t < 4; t++)
        pthread_create(&threads[t], NULL, thread, NULL);
    pid_t child = fork();
    if (child == 0) {
        thread(NULL);
        _exit(wrong != 0);
    }
    for (int t = 0; t < 4; t++)
        pthread_join(threads[t], NULL);
    int state = 1;
    waitpid(child, &state, 0);
    /* Not in the one call in two milliseconds that looks at the file. */
    unsigned long fewest = -1ul;
    for (int t = 0; t < 20; t++) {
        unsigned long before = allocations;
        for (unsigned i = 0; i < 30; i++)
            add_short(0), add_many(0);
        if (allocations - before < fewest)
            fewest = allocations - before;
    }
    printf("%lu %d %lu\n", wrong, state, fewest);
    telemetry_close(telemetry, 0);
    return 0;
}
""")
    check_equal("0 0 0\n", world.run([program]).stdout, "wrong answers, the child's, allocations")
    # Five threads add i % 3 in each round.
    expected = lambda belongs: 5 * sum(i % 3 for i in range(4000) if belongs(i))
    seen = read(world)
    for letters in range(5):
        for parity, status in ((1, "200"), (0, "31415926")):
            value = seen.value("c", method="abcdefghijklmnopqrstuvwxyz"[:letters * 4 + 1], status=status)
            check_equal(expected(lambda i: i % 5 == letters and i % 2 == parity), value, f"{letters} {status}")
    many = lambda odd: {"abcdefghijklmnopqrst"[k]: k if k % 4 else odd for k in range(20)}
    check_equal((expected(lambda i: i % 2), expected(lambda i: not i % 2)), (seen.value("c", **many(True)), seen.value("c", **many(False))), "many")
    check_equal(expected(lambda i: True), seen.value("c", u="y" * 900, v="y" * 900, w=0.5), "long ones")
    check_equal(13, len([each for each in seen.series if "otel.metric.overflow" not in each["attributes"]]), "series")


@test("store/bad-values", "H1")
def bad_values(world):
    """What a type does not take is refused and counted, and the value stays."""
    world.telemetry("enable")
    program = world.program("bad", programs.PRELUDE + r"""
int main(void)
{
    telemetry_metric_declaration metrics[] = {
        {.size = sizeof metrics[0], .name = "c", .type = TELEMETRY_COUNTER},
        {.size = sizeof metrics[0], .name = "u", .type = TELEMETRY_UP_DOWN_COUNTER},
        {.size = sizeof metrics[0], .name = "g", .type = TELEMETRY_GAUGE},
        {.size = sizeof metrics[0], .name = "h", .type = TELEMETRY_HISTOGRAM},
        {.size = sizeof metrics[0], .name = "e", .type = TELEMETRY_EXPONENTIAL_HISTOGRAM}};
    telemetry_collector *telemetry = opened(metrics, 5);
    double bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (int k = 0; k < 5; k++) {
        telemetry_metric *metric = telemetry_metric_find(telemetry, metrics[k].name);
        telemetry_series *series = telemetry_metric_bind(metric, NULL, 0);
        for (int i = 0; i < 4; i++)
            printf("%d %d %d %d %d %d ", telemetry_metric_add_double(metric, bad[i], NULL, 0), telemetry_metric_set(metric, bad[i], NULL, 0),
                   telemetry_metric_observe(metric, bad[i], NULL, 0), telemetry_series_add_double(series, bad[i]),
                   telemetry_series_set(series, bad[i]), telemetry_series_observe(series, bad[i]));
    }
    telemetry_metric *c = telemetry_metric_find(telemetry, "c");
    printf("%d %d %d ", telemetry_metric_add(c, -1, NULL, 0), telemetry_metric_add_double(c, -0.5, NULL, 0),
           telemetry_series_add(telemetry_metric_bind(c, NULL, 0), INT64_MIN));
    printf("%d %d\n", telemetry_metric_observe(c, 1, NULL, 0), telemetry_metric_add(telemetry_metric_find(telemetry, "h"), 1, NULL, 0));
    telemetry_status last[] = {
        telemetry_metric_add(c, INT64_MAX, NULL, 0), telemetry_metric_add(c, 1, NULL, 0), telemetry_metric_add(NULL, 1, NULL, 0),
        telemetry_series_add(NULL, 1), telemetry_count(telemetry, NULL, 1, NULL, 0), telemetry_count(telemetry, "\xff", 1, NULL, 0),
        telemetry_count(NULL, "c", 1, NULL, 0), telemetry_metric_add(c, 0, NULL, 3)};
    for (int i = 0; i < 8; i++) printf("%d ", last[i]);
    telemetry_close(telemetry, 0);
    return 0;
}
""")
    first, last = world.run([program]).stdout.splitlines()
    check_equal({"-10"}, set(first.split()), "statuses of what is refused")
    check_equal([0, -10, 20, 20, -10, -10, 20, 10], [int(each) for each in last.split()], "the others")
    seen = read(world)
    check_equal((2 ** 63 - 1, 0, None), (seen.value("c"), seen.value("u"), seen.value("g")), "values")
    check_equal((0, 0), (seen.value("h")["count"], seen.value("e")["count"]), "histograms")
    check_equal(126, seen.refused_value, "counted refusals")


@test("store/attributes", "C9")
def attributes(world):
    """Attributes of every kind: shortened, repaired, twice, redacted; never a trap, never a wrong total."""
    world.telemetry("enable")
    program = world.program("attributes", programs.PRELUDE + r"""
int main(void)
{
    telemetry_metric_declaration c = {.size = sizeof c, .name = "c", .type = TELEMETRY_COUNTER};
    telemetry_collector *telemetry = opened(&c, 1);
    telemetry_metric *metric = telemetry_metric_find(telemetry, "c");
    static char big[3000], key[200];
    memset(big, 'x', sizeof big - 1);
    memset(key, 'k', sizeof key - 1);
    telemetry_attribute cases[][2] = {
        {telemetry_string("a", "1"), telemetry_string("a", "2")}, {telemetry_string("b", big), telemetry_string("c", "x")},
        {telemetry_string(key, "1"), telemetry_string("c", "x")}, {telemetry_string("d", "\xff\xfe"), telemetry_string("c", "x")},
        {telemetry_string("password", "hunter2-canary"), telemetry_string("c", "x")}, {telemetry_string(NULL, "1"), telemetry_string("c", NULL)},
        {telemetry_string("", "1"), telemetry_string("c", "")}, {telemetry_string("type", "t"), telemetry_string("name", "n")},
        {telemetry_double("n", NAN), telemetry_double("i", INFINITY)}, {telemetry_string("code", "200"), telemetry_string("method", "GET")}};
    cases[9][1].type = (telemetry_attribute_type)99;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            printf("%d ", telemetry_metric_add(metric, 1, cases[i], 2));
            telemetry_series_add(telemetry_metric_bind(metric, cases[i], 2), 1);
        }
        static telemetry_attribute many[70];
        for (int i = 0; i < 70; i++) many[i] = telemetry_string(big + 2990 - i, "v");
        printf("%d\n", telemetry_metric_add(metric, 1, many, 70));
    }
    telemetry_close(telemetry, 0);
    return 0;
}
""")
    rounds = world.run([program]).stdout.splitlines()
    for answers in rounds:
        check_equal("0 10 10 10 0 10 10 0 0 10 10", answers.strip(), "statuses")
    seen = read(world)
    check_equal(63, seen.total("c"), "total")
    check_equal(6, seen.value("c", a="2"), "the last of a key that is given twice")
    check_equal(6, seen.value("c", type="t", name="n"), "names of fields of events")
    check_equal(6, seen.value("c", d="\ufffd\ufffd", c="x"), "repaired")
    check(not any("hunter2" in str(each) for each in seen.series), "a secret")
    with open(world.path("home", ".local", "state", "telemetry", TOOL, "metrics"), "rb") as file:
        check(b"hunter2" not in file.read(), "a secret in the file")


@test("store/living", "H1")
def living(world):
    """A gauge over processes has the values of those that live: not of the killed, not of the ended, and of forked ones."""
    world.telemetry("enable")
    program = world.program("living", programs.PRELUDE + r"""
int main(int argc, char **argv)
{
    telemetry_metric_declaration metrics[] = {
        {.size = sizeof metrics[0], .name = "s", .type = TELEMETRY_GAUGE, .rule = TELEMETRY_GAUGE_SUM},
        {.size = sizeof metrics[0], .name = "low", .type = TELEMETRY_GAUGE, .rule = TELEMETRY_GAUGE_MIN},
        {.size = sizeof metrics[0], .name = "high", .type = TELEMETRY_GAUGE, .rule = TELEMETRY_GAUGE_MAX}};
    telemetry_collector *telemetry = opened(metrics, 3);
    double value = argc > 1 ? atof(argv[1]) : 0;
    telemetry_attribute attribute = telemetry_string("k", "v");
    telemetry_series *series = telemetry_metric_bind(telemetry_metric_find(telemetry, "s"), &attribute, 1);
    int worst = telemetry_series_set(series, 1);
    worst |= telemetry_metric_set(telemetry_metric_find(telemetry, "s"), value - 1, &attribute, 1);
    worst |= telemetry_series_add(series, 1);
    worst |= telemetry_metric_set(telemetry_metric_find(telemetry, "low"), value, NULL, 0);
    worst |= telemetry_metric_set(telemetry_metric_find(telemetry, "high"), value, NULL, 0);
    if (argc > 2 && fork() == 0) {
        worst |= telemetry_series_set(series, 100);
        puts("child");
        fflush(stdout);
        getchar();
        _exit(0);
    }
    char text[4000];
    telemetry_metrics_write(telemetry, NULL, text, sizeof text, NULL);
    printf("%d %s", worst, strstr(text, "\ns{"));
    puts("ready");
    fflush(stdout);
    getchar();
    telemetry_close(telemetry, 0);
    return 0;
}
""")

    def start(*arguments):
        child = subprocess.Popen([program, *arguments], env=world.environment, cwd=world.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lines = []
        while "ready\n" not in lines or (len(arguments) > 1 and "child\n" not in lines):
            lines.append(child.stdout.readline())
            check(lines[-1], f"said {lines}")
        check(any(line.startswith("0 ") for line in lines), f"said {lines}")
        return child

    def values():
        text = world.telemetry("metrics").stdout
        return {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if not line.startswith("#")}

    first, second = start("5"), start("7")
    check_equal({'s{k="v"}': 12.0, "low": 5.0, "high": 7.0}, values(), "two processes")
    first.kill()
    first.wait()
    check_equal({'s{k="v"}': 7.0, "low": 7.0, "high": 7.0}, values(), "one was killed")
    third = start("1")
    check_equal({'s{k="v"}': 8.0, "low": 1.0, "high": 7.0}, values(), "another in its place")
    second.communicate("\n")
    check_equal({'s{k="v"}': 1.0, "low": 1.0, "high": 1.0}, values(), "one has ended")
    size = read(world).used
    third.communicate("\n")
    check_equal({}, values(), "none is left")
    forks = start("3", "fork")
    check_equal(103.0, values()['s{k="v"}'], "parent and child")
    forks.kill()
    forks.wait()
    check_equal({'s{k="v"}': 100.0}, values(), "the child alone")
    check(read(world).used - size < 200, "blocks are used again")


@test("store/manifest-list", "H1")
def manifest_list(world):
    """The manifest's list is what the user is shown: code adds nothing to it, whichever comes first."""
    world.telemetry("enable")
    os.makedirs(os.path.dirname(world.manifest_file), exist_ok=True)
    with open(world.manifest_file, "w", encoding="utf-8") as file:
        file.write("tool: {name: itest}\nmetrics:\n  listed: {type: counter, description: Is listed.}\n")
    program = world.program("listed", programs.PRELUDE + r"""
int main(int argc, char **argv)
{
    (void)opened;
    int is_first = argc > 2;
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    if (!is_first && telemetry_options_load_manifest(options, argv[1])) return 3;
    telemetry_metric_declaration listed = {.size = sizeof listed, .name = "Listed", .type = TELEMETRY_COUNTER};
    telemetry_metric_declaration other = {.size = sizeof other, .name = "other", .type = TELEMETRY_COUNTER};
    printf("%d %d\n", telemetry_options_add_metric(options, &listed), telemetry_options_add_metric(options, &other));
    if (is_first && telemetry_options_load_manifest(options, argv[1])) return 3;
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    printf("%d %d %d\n", telemetry_metric_find(telemetry, "other") == NULL, telemetry_count(telemetry, "listed", 1, NULL, 0),
           telemetry_count(telemetry, "other", 1, NULL, 0));
    telemetry_close(telemetry, 0);
    return 0;
}
""")
    check_equal("0 -11\n1 0 -11\n", world.run([program, world.manifest_file]).stdout, "declared after the manifest")
    check_equal("0 0\n1 0 -11\n", world.run([program, world.manifest_file, "first"]).stdout, "declared before it")
    check_equal(["listed", "listed"], [each["metric"] for each in read(world).series for _ in range(int(each["value"]))], "what is stored")


@test("store/by-name", "H1 H2")
def by_name(world):
    """A call by name records into the metric of that name that is there, whatever its unit, bounds or case; rules need the manifest."""
    world.telemetry("enable")
    program = world.program("declares", programs.PRELUDE + r"""
int main(void)
{
    static const double bounds[] = {1, 10};
    telemetry_metric_declaration metrics[] = {
        {.size = sizeof metrics[0], .name = "reqs", .type = TELEMETRY_COUNTER, .unit = "{request}"},
        {.size = sizeof metrics[0], .name = "jobs", .type = TELEMETRY_UP_DOWN_COUNTER},
        {.size = sizeof metrics[0], .name = "heat", .type = TELEMETRY_GAUGE, .unit = "Cel"},
        {.size = sizeof metrics[0], .name = "h", .type = TELEMETRY_HISTOGRAM, .unit = "By", .bounds = bounds, .bound_count = 2},
        {.size = sizeof metrics[0], .name = "e", .type = TELEMETRY_EXPONENTIAL_HISTOGRAM}};
    telemetry_collector *telemetry = opened(metrics, 5);
    telemetry_metric *reqs = telemetry_metric_find(telemetry, "reqs");
    telemetry_metric_add(reqs, 1000, NULL, 0);
    for (int i = 1; i < 5; i++) telemetry_metric_add(telemetry_metric_find(telemetry, metrics[i].name), 1, NULL, 0);
    telemetry_metric_observe(telemetry_metric_find(telemetry, "h"), 5, NULL, 0);
    telemetry_metric_observe(telemetry_metric_find(telemetry, "e"), 5, NULL, 0);
    fflush(stdout);
    char line;
    if (read(STDIN_FILENO, &line, 1) < 0) return 4;
    telemetry_metric_add(reqs, 2000, NULL, 0);
    telemetry_close(telemetry, 0);
    return 0;
}
""")
    process = subprocess.Popen([program], stdin=subprocess.PIPE, env=world.environment)
    end = time.monotonic() + 20
    while time.monotonic() < end and not (os.path.exists(os.path.join(world.spool, "metrics")) and read(world).value("e")):
        time.sleep(0.02)
    for arguments in (["count", "REQS"], ["count", "jobs", "--by", "8"], ["gauge", "heat", "20"], ["observe", "h", "50"], ["observe", "e", "7"]):
        world.telemetry(*arguments)
    process.communicate(b"\n")
    check_equal(0, process.returncode, "exit code")
    seen = json.loads(world.telemetry("metrics", "--format", "json").stdout)
    check_equal(0, seen["refused"].get("superseded", 0), "superseded")
    check_equal((3001, 9, 20.0, 2, 2), (read(world).value("reqs"), read(world).value("jobs"), read(world).value("heat"),
                                        read(world).value("h")["count"], read(world).value("e")["count"]), "values")
    for arguments in (["gauge", "reqs", "1"], ["observe", "heat", "1"], ["count", "h"]):
        done = world.telemetry(*arguments, expected=None)
        check_equal(2, done.returncode, f"{arguments}: {done.stderr}")
    os.makedirs(os.path.dirname(world.manifest_file), exist_ok=True)
    with open(world.manifest_file, "w", encoding="utf-8") as file:
        file.write("tool: {name: itest}\nmetrics:\n  ruled: {type: counter, description: R., attributes: {k: {type: string, description: K., enum: [a]}}}\n")
    world.telemetry("count", "ruled", "--attribute", "k=a")
    os.remove(world.manifest_file)
    world.telemetry("count", "ruled", "--attribute", "k=anything", expected=None)
    check_equal(1, read(world).total("ruled"), "without its rules nothing is added")


@test("store/not-stored", "E11 H2")
def not_stored(world):
    """What could not be stored is said to be dropped; a textfile replaces nothing but a file."""
    world.telemetry("enable")
    world.telemetry("count", "a")
    path = os.path.join(world.spool, "metrics")
    os.remove(path)
    os.mkdir(path)
    answer = json.loads(world.telemetry("count", "a", "--json").stdout)
    check_equal("dropped", answer["status"], f"{answer}")
    os.rmdir(path)
    check_equal("ok", json.loads(world.telemetry("count", "a", "--json").stdout)["status"], "with room")
    os.mkfifo(world.path("pipe"))
    os.symlink(world.path("elsewhere"), world.path("link"))
    for name in ("pipe", "link"):
        done = world.telemetry("metrics", "--textfile", world.path(name), expected=None)
        check_equal(5, done.returncode, f"{name}: {done.stderr}")
    check(os.path.islink(world.path("link")) and not os.path.exists(world.path("elsewhere")), "the link")
    check_equal(2, world.telemetry("metrics", "--textfile", "-", expected=None).returncode, "exit code for -")
