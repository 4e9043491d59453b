"""H7: metrics are handed on, by the library and by `telemetry deliver`, to a receiver that decodes strictly."""
import glob
import json
import os
import random
import signal
import subprocess
import threading
import time

import metrics_reader
import programs
from push_receiver import PushReceiver, decoded, metrics, number, plain, points, total
from stage import wait_until
from suite import check, check_equal, test
from world import BUILD, TOOL

# pusher MANIFEST CLOSE_MS [ADDS [WAIT_US]]: every type of metric; "sent" after the adds, then waits for the end of its standard input.
PUSHER = programs.PRELUDE + r"""
int main(int argc, char **argv)
{
    (void)opened;
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    if (telemetry_options_load_manifest(options, argv[1]) != TELEMETRY_OK) {
        char error[500];
        telemetry_options_error(options, error, sizeof error);
        fprintf(stderr, "%s\n", error);
        return 3;
    }
    int adds = argc > 3 ? atoi(argv[3]) : 1;
    useconds_t wait = argc > 4 ? (useconds_t)atoi(argv[4]) : 0;
    telemetry_metric_declaration exponential = {.size = sizeof exponential, .name = "e", .type = TELEMETRY_EXPONENTIAL_HISTOGRAM};
    static const double bounds[] = {1, 10};
    telemetry_metric_declaration histogram = {.size = sizeof histogram, .name = "h", .type = TELEMETRY_HISTOGRAM, .unit = "s",
                                              .description = "H.", .bounds = bounds, .bound_count = 2};
    telemetry_metric_declaration up_down = {.size = sizeof up_down, .name = "u", .type = TELEMETRY_UP_DOWN_COUNTER};
    telemetry_options_add_metric(options, &exponential);
    telemetry_options_add_metric(options, &histogram);
    telemetry_options_add_metric(options, &up_down);
    telemetry_metric_declaration requests = {.size = sizeof requests, .name = "requests", .type = TELEMETRY_COUNTER, .unit = "{request}"};
    telemetry_options_add_metric(options, &requests);
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_attribute attributes[] = {telemetry_string("from", "c"), telemetry_int("n", 1)};
    telemetry_metric *e = telemetry_metric_find(telemetry, "e"), *h = telemetry_metric_find(telemetry, "h");
    telemetry_metric *u = telemetry_metric_find(telemetry, "u");
    for (int i = 0; i < adds; i++) {
        telemetry_count(telemetry, "requests", 1, attributes, 2);
        telemetry_metric_observe(h, i % 20, attributes, 1);
        telemetry_metric_observe(e, i % 3 ? i * 0.37 : 0, NULL, 0);
        telemetry_metric_add(u, i % 2 ? 2 : -1, NULL, 0);
        telemetry_gauge(telemetry, "size", i + 0.5, NULL, 0);
        if (wait)
            usleep(wait);
    }
    printf("sent\n");
    fflush(stdout);
    if (argc > 5) {
        char byte;
        while (read(0, &byte, 1) > 0)
            ;
    }
    printf("%d\n", telemetry_close(telemetry, (uint32_t)atoi(argv[2])));
    return 0;
}
"""


def pushed_to(world, receiver, sections=None, **backend):
    """The tool's manifest: metrics go there."""
    world.manifest(receiver.url, sections, kind="otlp", **{"signals": ["metrics"], "timeout_ms": 60000, **backend})
    return world.manifest_file


def pusher(world):
    return world.program("pusher", PUSHER)


def push(world, close_ms=20000, adds=1, program=None, expected="0"):
    program = program or pusher(world)
    out = world.run([program, world.manifest_file, str(close_ms), str(adds)]).stdout
    check_equal(f"sent\n{expected}\n", out, "what close returned")


def started(world, command):
    """A program that lives until its standard input ends."""
    return subprocess.Popen(command, env=world.environment, cwd=world.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def deliver(world, *arguments, expected=None):
    return world.telemetry("deliver", *arguments, expected=expected)


def status(world):
    found, = json.loads(world.telemetry("status", "--json").stdout)["metrics"]
    return found


def stored(world):
    return metrics_reader.read(world.spool)


def states(world):
    return glob.glob(os.path.join(world.spool, "metrics.sent-*"))


@test("push/both-forms", "H7")
def both_forms(world):
    """Every type arrives in both forms as opentelemetry-proto decodes it, compressed or not, and as `telemetry metrics` and `show --wire`
    say it; a second close without a change sends nothing."""
    program = pusher(world)
    previous = None
    for protocol, content_type in (("http/protobuf", "application/x-protobuf"), ("http/json", "application/json")):
        for compression in ("none", "gzip"):
            receiver = world.closes(PushReceiver())
            pushed_to(world, receiver, protocol=protocol, compression=compression, api_key="s3cret-key")
            push(world, adds=500, program=program)
            request, = receiver.requests
            check_equal(("/v1/metrics", content_type, "Bearer s3cret-key"),
                        (request.path, request.headers["Content-Type"], request.headers["Authorization"]), "head")
            message, = decoded([request])
            found = metrics(message)
            check_equal({"requests": "sum", "h": "histogram", "e": "exponentialHistogram", "u": "sum", "size": "gauge"},
                        {name: kind for name, (kind, _) in found.items()}, "metrics")
            seen = stored(world)
            check_equal(seen.value("requests", **{"from": "c", "n": 1}), total([message], "requests"), "counter")
            check_equal(seen.value("u"), total([message], "u"), "up-down counter")
            check_equal("AGGREGATION_TEMPORALITY_CUMULATIVE", found["e"][1]["aggregationTemporality"], "temporality")
            point, = found["e"][1]["dataPoints"]
            kept, scale = seen.value("e"), point.get("scale", 0)
            expected = {}
            for index, count in kept["positive"].items():
                expected[index >> kept["scale"] - scale] = expected.get(index >> kept["scale"] - scale, 0) + count
            positive = point["positive"]
            check_equal(expected, {positive.get("offset", 0) + at: int(count) for at, count in enumerate(positive["bucketCounts"])
                                   if int(count)}, "buckets")
            check_equal((kept["zeros"], kept["count"]), (int(point["zeroCount"]), int(point["count"])), "zeros and values")
            resource = plain(message["resourceMetrics"][0]["resource"]["attributes"])
            check_equal(("itest", "1.0.0"), (resource["service.name"], resource["service.version"]), "resource")
            check_equal(36, len(resource["service.instance.id"]), "instance")
            check(previous in (None, resource["service.instance.id"]), "the instance is another one")
            previous = resource["service.instance.id"]
            shown = json.loads(world.telemetry("metrics", "--format", "otlp-json", "--tool-version", "1.0.0").stdout)
            if protocol == "http/json":
                sent = json.loads(request.body)
                for each in (sent, shown):
                    strip(each)
                check_equal(sent, shown, "what `telemetry metrics` says")
            check("/v1/metrics" not in world.telemetry("show", "--wire").stdout, "it would be sent again")


def strip(value):
    """Without the moment."""
    if isinstance(value, dict):
        value.pop("timeUnixNano", None)
        for member in value.values():
            strip(member)
    elif isinstance(value, list):
        for member in value:
            strip(member)


@test("push/nothing-new", "H7")
def nothing_new(world):
    """What has not changed is not sent again; what has is sent as a whole, with the same start."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver)
    program = pusher(world)
    push(world, adds=10, program=program)
    for _ in range(3):
        world.telemetry("flush", "--timeout-ms", "60000")
        deliver(world, "--now")
    check_equal(1, len(receiver.requests), "requests without a change")
    push(world, adds=5, program=program)
    first, second = decoded(receiver.requests)
    check_equal([10, 15], [total([each], "requests") for each in (first, second)], "sums")
    [one], [other] = points(first, "requests").values(), points(second, "requests").values()
    check_equal(one["startTimeUnixNano"], other["startTimeUnixNano"], "start")


@test("push/delta-adds-up", "H2 H7")
def delta_adds_up(world):
    """Delta: the sum over the points of all processes is the counter, with answers that refuse, and recorders that are killed."""
    turn = random.Random(11)
    answers = [turn.choice([200, 200, 200, 503, 429, 500, 502]) for _ in range(400)]
    receiver = world.closes(PushReceiver(lambda number: answers[number % len(answers)]))
    pushed_to(world, receiver, temporality="delta")
    program = pusher(world)
    recorder = world.program("recorder", programs.RECORDER)
    environment = {**world.environment}
    ended = threading.Event()

    def killing():
        while not ended.is_set():
            process = subprocess.Popen([recorder, "100000", "20"], stdout=subprocess.DEVNULL, env=environment, cwd=world.root)
            time.sleep(turn.uniform(0.005, 0.05))
            process.send_signal(signal.SIGKILL)
            process.wait()

    threads = [threading.Thread(target=killing) for _ in range(2)]
    for thread in threads:
        thread.start()
    for turns in range(25):
        deliver(world, "--now")
        if turns % 5 == 0:
            world.run([program, world.manifest_file, "20000", "50"])
    ended.set()
    for thread in threads:
        thread.join()
    receiver.plan = lambda number: 200
    deliver(world, "--now", expected=0)
    seen = stored(world)
    messages = decoded(receiver.counted)
    check(len(messages) > 5, f"{len(messages)} requests were counted")
    check_equal(seen.total("requests"), total(messages, "requests"), "sum of the points and the counter")
    check(all(int(point.get("asInt", 0)) > 0 for each in messages for point in points(each, "requests").values()), "a point is not above 0")
    contiguous(messages, "requests")
    for name in ("h", "e"):
        counts = sum(int(point.get("count", 0)) for each in messages for point in points(each, name).values())
        check_equal(seen.total(name), counts, f"observations of {name}")
    check(sum(float(point.get("sum", 0)) for each in messages for point in points(each, "h").values())
          == sum(each["sum"] for each in seen.series if each["metric"] == "h"), "sum of the histogram")
    check_equal("verified", world.telemetry("show", "--sent", "--verify").stdout.split(":")[0], "the audit log")


def contiguous(messages, name):
    """The points of a series follow one another in time."""
    ends = {}
    for message in messages:
        for key, point in points(message, name).items():
            check(int(point["startTimeUnixNano"]) >= ends.get(key, 0), f"a point of {key} begins before the one before ends")
            ends[key] = int(point["timeUnixNano"])


def killed_deliveries(world, guarantee, temporality="delta"):
    """Sums at the receiver and in the store, after `deliver` was killed at random, and with answers that never come."""
    turn = random.Random(7)
    does = [turn.choice([200, 200, "reset", 503, "late"]) for _ in range(400)]
    receiver = world.closes(PushReceiver(lambda number: does[number % len(does)]))
    pushed_to(world, receiver, {"delivery": {"guarantee": guarantee}}, temporality=temporality, timeout_ms=300)
    for turns in range(40):
        world.telemetry("count", "requests", "--by", str(turn.randint(1, 9)))
        process = subprocess.Popen([f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", TOOL], env=world.environment, cwd=world.root,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if turns % 3:
            time.sleep(turn.uniform(0.001, 0.04))
            process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not world.processes(), "detached processes end")
    receiver.plan = lambda number: 200
    # The last request may take its time.
    pushed_to(world, receiver, {"delivery": {"guarantee": guarantee}}, temporality=temporality)
    deliver(world, "--now", expected=0)
    time.sleep(1.1)
    return total(decoded(receiver.counted), "requests"), stored(world).total("requests")


@test("push/at-least-once", "E6 H7")
def at_least_once(world):
    """Killed deliveries and lost answers: nothing is lost, something may be counted twice."""
    sum_, counter = killed_deliveries(world, "at-least-once")
    check(sum_ >= counter, f"{sum_} of {counter} arrived")


@test("push/at-most-once", "E6 H7")
def at_most_once(world):
    """The same: nothing is counted twice, something may be lost."""
    sum_, counter = killed_deliveries(world, "at-most-once")
    check(0 < sum_ <= counter, f"{sum_} of {counter} arrived")


@test("push/once-unanswered", "E6 H7")
def once_unanswered(world):
    """At most once: what may have been taken is not sent again, and counts as unconfirmed; what was not taken is."""
    receiver = world.closes(PushReceiver(lambda number: {0: "reset", 2: 429}.get(number, 200)))
    pushed_to(world, receiver, {"delivery": {"guarantee": "at-most-once"}}, temporality="delta")
    push(world, adds=3, expected=expected_failure())
    check(status(world)["points_unconfirmed"] > 0, status(world))
    recorder = world.program("recorder", programs.RECORDER)
    for turns in range(3):
        world.run([recorder, "1"])
        deliver(world, "--now")
    sums = [total([each], "requests") for each in decoded(receiver.requests)]
    check_equal([3, 1, 1, 2], sums, "what each request says")


def expected_failure():
    """TELEMETRY_ERROR_DELIVERY, as the header numbers it."""
    with open(f"{BUILD}/include/telemetry.h") as file:
        line, = [each for each in file if "TELEMETRY_ERROR_DELIVERY =" in each]
    return line.split("=")[1].strip().rstrip(",").split()[0]


@test("push/many-series", "H7")
def many_series(world):
    """Series that need several requests, one of which fails: each arrives once, and the rest follows the failure."""
    receiver = world.closes(PushReceiver(lambda number: 503 if number == 1 else 200))
    pushed_to(world, receiver, temporality="delta")
    program = world.program("many", programs.PRELUDE + r"""
int main(int argc, char **argv)
{
    (void)argc;
    (void)opened;
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    if (telemetry_options_load_manifest(options, argv[1]) != TELEMETRY_OK) return 3;
    telemetry_metric_declaration declaration = {.size = sizeof declaration, .name = "many", .type = TELEMETRY_COUNTER, .series_limit = 9000};
    telemetry_options_add_metric(options, &declaration);
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_metric *many = telemetry_metric_find(telemetry, "many");
    char text[501];
    memset(text, 'x', 500);
    text[500] = 0;
    for (int i = 0; i < 9000; i++) {
        telemetry_attribute attributes[] = {telemetry_int("n", i), telemetry_string("text", text)};
        telemetry_metric_add(many, i, attributes, 2);
    }
    telemetry_close(telemetry, 0);
    return 0;
}
""")
    world.run([program, world.manifest_file])
    deliver(world, "--now")
    check(len(receiver.requests) == 2 and states(world), f"{len(receiver.requests)} requests before the failure")
    world.run([program, world.manifest_file])
    deliver(world, "--now", expected=0)
    world.telemetry("flush", "--timeout-ms", "60000")
    check(len(receiver.counted) > 3, f"{len(receiver.counted)} requests")
    messages = decoded(receiver.counted)
    check_equal(2 * sum(range(9000)), total(messages, "many"), "sum")
    check_equal(stored(world).total("many"), total(messages, "many"), "the store")
    contiguous(messages, "many")
    world.telemetry("show", "--sent", "--verify")


@test("push/two-versions", "H2 H7")
def two_versions(world):
    """Two versions of a tool declare a metric differently, in turn: one is shown, and what each has counted is sent once."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver, temporality="delta")
    program = world.program("version", programs.PRELUDE + r"""
int main(int argc, char **argv)
{
    (void)argc;
    telemetry_metric_declaration metrics[] = {
        {.size = sizeof metrics[0], .name = "requests", .type = TELEMETRY_COUNTER, .unit = argv[1]},
        {.size = sizeof metrics[0], .name = "e", .type = TELEMETRY_EXPONENTIAL_HISTOGRAM, .unit = argv[1]}};
    telemetry_collector *telemetry = opened(metrics, 2);
    telemetry_metric_add(telemetry_metric_find(telemetry, "requests"), atoi(argv[2]), NULL, 0);
    for (int i = 0; i < atoi(argv[2]); i++)
        telemetry_metric_observe(telemetry_metric_find(telemetry, "e"), 0.1 * (i % 7) + i * i, NULL, 0);
    telemetry_close(telemetry, 0);
    return 0;
}
""")
    turn = random.Random(5)
    for turns in range(30):
        world.run([program, turn.choice("xyz"), str(turn.randint(1, 40))])
        if turn.random() < 0.5:
            deliver(world, "--now", expected=0)
    for unit in "xyz":
        world.run([program, unit, "1"])
        deliver(world, "--now", expected=0)
    messages = decoded(receiver.counted)
    check_equal(stored(world).total("requests"), total(messages, "requests"), "sum over all versions")
    check_equal(stored(world).total("e"), sum(int(point["count"]) for each in messages for point in points(each, "e").values()), "observations")


@test("push/interval", "H7")
def interval(world):
    """A living program sends at its interval, and nothing while nothing changes; a program with no receiver of metrics has no thread
    for them."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver, metrics_interval_ms=1000, temporality="delta")
    program = pusher(world)
    process = started(world, [program, world.manifest_file, "0", "300", "10000", "wait"])
    check_equal("sent\n", process.stdout.readline(), "the program")
    wait_until(lambda: total(decoded(receiver.counted), "requests") == 300, "all of it arrives")
    check(len(receiver.requests) > 1, "one request in three seconds")
    before = len(receiver.requests)
    time.sleep(2.5)
    check_equal(before, len(receiver.requests), "requests without a change")
    check_equal(2, len(os.listdir(f"/proc/{process.pid}/task")), "threads")
    process.stdin.close()
    process.wait()
    world.manifest(receiver.url, kind="otlp")
    process = started(world, [program, world.manifest_file, "0", "1", "0", "wait"])
    check_equal("sent\n", process.stdout.readline(), "the program")
    check_equal(1, len(os.listdir(f"/proc/{process.pid}/task")), "threads without a receiver of metrics")
    process.stdin.close()
    process.wait()


@test("push/fork", "H7")
def fork(world):
    """A daemon: the child of a fork hands on what it adds, while its parent is gone; the parent's worker is not the child's."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver, metrics_interval_ms=1000, temporality="delta")
    program = world.program("daemon", programs.PRELUDE + r"""
int main(int argc, char **argv)
{
    (void)opened;
    (void)argc;
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    if (telemetry_options_load_manifest(options, argv[1]) != TELEMETRY_OK) return 3;
    telemetry_metric_declaration requests = {.size = sizeof requests, .name = "requests", .type = TELEMETRY_COUNTER};
    telemetry_options_add_metric(options, &requests);
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_series *series = telemetry_metric_bind(telemetry_metric_find(telemetry, "requests"), NULL, 0);
    telemetry_series_add(series, 5);
    if (fork() != 0)
        _exit(0);
    for (int i = 0; i < 300; i++) {
        telemetry_series_add(series, 1);
        usleep(10000);
    }
    pause();
    return 0;
}
""")
    process = subprocess.Popen([program, world.manifest_file], env=world.environment, cwd=world.root, start_new_session=True)
    try:
        process.wait()
        wait_until(lambda: total(decoded(receiver.counted), "requests") == 305, "all of it arrives")
        contiguous(decoded(receiver.counted), "requests")
    finally:
        os.killpg(process.pid, signal.SIGKILL)


@test("push/detached", "H7")
def detached(world):
    """The helper's counts are handed on by the process that it starts: at once the first time, then at the interval."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver)
    for _ in range(20):
        world.telemetry("count", "requests")
    wait_until(lambda: receiver.counted and not world.processes(), "a detached process hands them on")
    time.sleep(0.3)
    check(len(receiver.requests) <= 2, f"{len(receiver.requests)} requests in an interval")
    deliver(world, expected=0)
    check(len(receiver.requests) <= 2, "deliver does not keep to the interval")
    world.telemetry("flush", "--timeout-ms", "60000")
    check_equal(20, total(decoded(receiver.counted[-1:]), "requests"), "counter")


@test("push/pauses", "E8 H7")
def pauses(world):
    """Retry-After and 401 are obeyed by all processes; --now does not wait; 400 is not repeated until something changes."""
    receiver = world.closes(PushReceiver(lambda number: [(429, [("Retry-After", "3000")]), 200, 401, 200, 400, 200][number]))
    pushed_to(world, receiver)
    world.telemetry("count", "requests", "--quiet")
    wait_until(lambda: receiver.requests and not world.processes(), "the first request")
    found = status(world)
    check_equal((1, "HTTP 429"), (found["consecutive_failures"], found["last_error"]), "status after 429")
    for _ in range(3):
        world.telemetry("flush", "--timeout-ms", "60000", expected=None)
        deliver(world)
    check_equal(1, len(receiver.requests), "requests in a pause")
    deliver(world, "--now", expected=0)
    check_equal((0, None), (status(world)["consecutive_failures"], status(world)["last_error"]), "status after 200")
    world.telemetry("count", "requests")
    world.telemetry("flush", "--timeout-ms", "60000", expected=None)
    check("401" in status(world)["last_error"], status(world))
    deliver(world, "--now", expected=0)
    world.telemetry("count", "requests")
    world.telemetry("flush", "--timeout-ms", "60000", expected=None)
    check_equal((5, 1, "HTTP 400"), (len(receiver.requests), status(world)["points_rejected"], status(world)["last_error"]), "after 400")
    for _ in range(3):
        world.telemetry("flush", "--timeout-ms", "60000")
        deliver(world, "--now", expected=0)
    check_equal(5, len(receiver.requests), "requests after 400")
    world.telemetry("count", "requests")
    world.telemetry("flush", "--timeout-ms", "60000", expected=0)
    check_equal(4, total(decoded(receiver.requests[-1:]), "requests"), "the next request says all of it")


@test("push/partial-success", "E8 H7")
def partial_success(world):
    """Rejected points are counted, and not sent again."""
    body = b"\x0a\x06\x08\x02\x12\x02no"
    receiver = world.closes(PushReceiver(lambda number: (200, [], body) if number == 0 else 200))
    pushed_to(world, receiver, temporality="delta")
    push(world, adds=4)
    found = status(world)
    check_equal((2, "partial success: 2 rejected"), (found["points_rejected"], found["last_error"]), "status")
    world.telemetry("flush", "--timeout-ms", "60000")
    check_equal(1, len(receiver.requests), "requests")


@test("push/consent", "A1 A18 H7")
def consent(world):
    """Nothing before yes, nothing after no, and nothing of it stays; after a new yes the numbers begin anew."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver, temporality="delta")
    os.unlink(world.path("home", ".config", "telemetry", TOOL, "enabled"))
    program = pusher(world)
    world.run([program, world.manifest_file, "3000", "5"])
    world.telemetry("flush", "--timeout-ms", "60000", expected=None)
    check_equal([], receiver.requests, "requests before yes")
    world.telemetry("enable")
    push(world, adds=5, program=program)
    check(states(world), "no state is kept")
    receiver.plan = lambda number: 503
    push(world, adds=1, program=program, expected=expected_failure())
    world.telemetry("disable")
    check_equal([], states(world), "what is left")
    before = len(receiver.requests)
    for arguments in (["flush", "--timeout-ms", "60000"], ["deliver", "--now"]):
        world.telemetry(*arguments, expected=None)
    world.run([program, world.manifest_file, "3000", "5"])
    check_equal(before, len(receiver.requests), "requests after no")
    receiver.plan = lambda number: 200
    world.telemetry("enable")
    push(world, adds=7, program=program)
    messages = decoded(receiver.counted)
    check_equal([5, 7], [total([each], "requests") for each in messages], "sums")
    instances = {plain(each["resourceMetrics"][0]["resource"]["attributes"])["service.instance.id"] for each in messages}
    check_equal(2, len(instances), "instances")
    # A refusal that is written by hand.
    push(world, adds=1, program=program)
    with open(world.path("home", ".config", "telemetry", TOOL, "enabled"), "w") as file:
        file.write("false\n")
    before = len(receiver.requests)
    world.telemetry("deliver", "--now", expected=None)
    check_equal((before, []), (len(receiver.requests), states(world)), "requests, and what is left after a refusal by hand")


@test("push/withdrawal-in-flight", "A18 H7")
def withdrawal_in_flight(world):
    """`disable` while a receiver does not answer: the request is cancelled, and no state comes back."""
    receiver = world.closes(PushReceiver(lambda number: "hang"))
    pushed_to(world, receiver)
    world.telemetry("count", "requests")
    wait_until(lambda: receiver.requests, "a request is under way")
    world.telemetry("disable")
    wait_until(lambda: not world.processes(), "the process that sends ends")
    check_equal([], states(world), "states")
    check(not os.path.exists(os.path.join(world.spool, "metrics")), "the metrics are still there")


@test("push/audit", "B3 H7")
def audit(world):
    """The user sees what was sent, byte for byte the same numbers; no key is anywhere; `reset` erases all of it."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver, protocol="http/json", api_key="s3cret-key", headers={"X-Tenant": "canary-header"})
    push(world, adds=30)
    world.telemetry("count", "requests")
    world.telemetry("flush", "--timeout-ms", "60000")
    entries = [json.loads(line) for line in world.telemetry("show", "--sent", "--json").stdout.splitlines()]
    check_equal([json.loads(request.body) for request in receiver.counted], [each["metrics"] for each in entries], "copies")
    check_equal({"accepted"}, {each["outcome"] for each in entries}, "outcomes")
    check_equal({f"otlp: POST {receiver.url}/v1/metrics"}, {each["backend"] for each in entries}, "receivers")
    for name in os.listdir(world.spool):
        with open(os.path.join(world.spool, name), "rb") as file:
            content = file.read()
        check(b"s3cret-key" not in content and b"canary-header" not in content, f"a secret is in {name}")
    world.telemetry("show", "--sent", "--verify")
    log = os.path.join(world.spool, "sent.metrics.jsonl")
    with open(log) as file:
        text = file.read()
    with open(log, "w") as file:
        file.write(text.replace('"outcome":"accepted"', '"outcome":"rejected"', 1))
    broken = world.telemetry("show", "--sent", "--verify", expected=None)
    check(broken.returncode != 0 and "sent.metrics.jsonl, line 1" in broken.stderr, broken.stderr)
    world.telemetry("reset", expected=None)
    left = os.listdir(world.spool) if os.path.exists(world.spool) else []
    check_equal([], [name for name in left if name.startswith(("metrics", "sent"))], "what reset leaves")


@test("push/wire", "B3 H7")
def wire(world):
    """`show --wire` shows the next request, without the key; `status` says where metrics go."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver, protocol="http/json", api_key="s3cret-key", temporality="delta")
    recorder = world.program("recorder", programs.RECORDER)
    world.run([recorder, "3"])
    shown = world.telemetry("show", "--wire").stdout
    check("POST /v1/metrics HTTP/1.1" in shown and "s3cret-key" not in shown and '"asInt":"3"' in shown, shown)
    deliver(world, "--now", expected=0)
    check("/v1/metrics" not in world.telemetry("show", "--wire").stdout, "it would be sent again")
    world.run([recorder, "2"])
    shown = world.telemetry("show", "--wire").stdout
    check('"asInt":"2"' in shown, shown)
    check("metrics to otlp:" in world.telemetry("status").stdout, "status")
    check_equal(("delta", 60000), (status(world)["temporality"], status(world)["interval_ms"]), "status")


@test("push/signals", "F H7")
def signals(world):
    """Events and metrics go where they are meant to go; an address of logs is turned into that of metrics."""
    events, both, metric = (world.closes(PushReceiver()) for _ in range(3))
    world.manifest("", {"backends": [
        {"kind": "otlp", "name": "events", "endpoint": events.url},
        {"kind": "otlp", "name": "both", "endpoint": both.url + "/base/v1/logs", "signals": ["events", "metrics"]},
        {"kind": "otlp", "name": "metrics", "endpoint": metric.url + "/otel/", "signals": "metrics"}]})
    world.telemetry("track", "search")
    world.telemetry("count", "requests")
    wait_until(lambda: not world.processes(), "detached processes end")
    world.telemetry("flush", "--timeout-ms", "60000", expected=0)
    paths = [sorted({request.path for request in each.requests}) for each in (events, both, metric)]
    check_equal([["/v1/logs"], ["/base/v1/logs", "/base/v1/metrics"], ["/otel/v1/metrics"]], paths, "paths")
    found = json.loads(world.telemetry("status", "--json").stdout)
    check_equal((["events", "both"], ["both", "metrics"]),
                ([each["name"] for each in found["backends"]], [each["name"] for each in found["metrics"]]), "status")


@test("push/local-only", "A7 H7")
def local_only(world):
    """Nothing leaves a machine where nothing may."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver, {"local_only": True})
    world.run([pusher(world), world.manifest_file, "2000", "5"])
    world.telemetry("count", "requests")
    for arguments in (["flush", "--timeout-ms", "60000"], ["deliver", "--now"]):
        world.telemetry(*arguments, expected=None)
    wait_until(lambda: not world.processes(), "detached processes end")
    check_equal([], receiver.requests, "requests")


@test("push/redirect", "E8 H7")
def redirect(world):
    """Another origin gets the metrics without key and headers, and `status` names it."""
    other = world.closes(PushReceiver())
    receiver = world.closes(PushReceiver(lambda number: (307, [("Location", other.url + "/v1/metrics")])))
    pushed_to(world, receiver, api_key="s3cret-key", headers={"X-Tenant": "canary"})
    push(world, adds=3)
    request, = other.requests
    check_equal(3, total(decoded([request]), "requests"), "counter")
    check_equal({"Authorization", "X-Tenant"} - set(request.headers), {"Authorization", "X-Tenant"}, "secrets at another origin")
    check(other.url in status(world)["taken_by"], status(world))


@test("push/refusals-are-rare", "E8 H7")
def refusals(world):
    """A receiver that refuses everything is not asked for each run of a script."""
    receiver = world.closes(PushReceiver(lambda number: 400))
    pushed_to(world, receiver)
    for _ in range(10):
        world.telemetry("count", "requests")
        wait_until(lambda: not world.processes(), "detached processes end")
    check_equal(1, len(receiver.requests), "requests in an interval")


@test("push/metrics-only", "F H7")
def metrics_only(world):
    """With no backend that takes events, they stay in the local log."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver)
    world.telemetry("track", "search")
    world.telemetry("flush", "--timeout-ms", "60000")
    check_equal([], receiver.requests, "requests")
    world.expect(1, delivered=1)
    check(os.path.exists(os.path.join(world.spool, "events.jsonl")), "the local log")


@test("push/damaged-state", "E9 H7")
def damaged_state(world):
    """A state that is damaged or of a later version: the sums begin anew with the start of the store, or, at most once, nothing is
    counted again. Any byte may be wrong."""
    turn = random.Random(3)
    for guarantee in ("at-least-once", "at-most-once"):
        receiver = world.closes(PushReceiver())
        pushed_to(world, receiver, {"delivery": {"guarantee": guarantee}}, temporality="delta")
        world.telemetry("count", "requests", "--by", "100")
        world.telemetry("flush", "--timeout-ms", "60000")
        wait_until(lambda: not world.processes(), "detached processes end")
        path, = states(world)
        for damage in ("version", "snapshot", "short", "random"):
            with open(path, "rb") as file:
                content = bytearray(file.read())
            if damage == "version":
                content[7] = 9
            elif damage == "snapshot":
                content[4096 + 20480 + 200] ^= 1
            elif damage == "short":
                del content[5000:]
            else:
                for _ in range(300):
                    content[turn.randrange(len(content))] = turn.randrange(256)
            with open(path, "wb") as file:
                file.write(content)
            before = len(receiver.requests)
            world.telemetry("count", "requests", "--quiet")
            wait_until(lambda: not world.processes(), "detached processes end")
            world.telemetry("flush", "--timeout-ms", "60000", expected=None)
            sent = decoded(receiver.requests[before:])
            for message in sent:
                for point in points(message, "requests").values():
                    check(number(point) > 0, f"{damage}: {point}")
            if guarantee == "at-most-once":
                check(total(sent, "requests") <= 1, f"{damage}: {total(sent, 'requests')} were sent again")
            elif damage != "random":
                check_equal(stored(world).total("requests"), total(sent, "requests"), f"{damage}: the whole sum")
        world.telemetry("disable")
        world.telemetry("enable")


@test("push/no-room", "E4 H7")
def no_room(world):
    """A full disk: what cannot be noted is not sent, so that it is not counted twice."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver, temporality="delta")
    state = world.small_disk("state", 600)
    world.environment["XDG_STATE_HOME"] = state
    recorder = world.program("recorder", programs.RECORDER)
    world.run([recorder, "10"])
    world.fill(state)
    for _ in range(3):
        deliver(world, "--now")
    check_equal(0, len(receiver.requests), "requests without room")
    os.unlink(os.path.join(state, "fill"))
    deliver(world, "--now", expected=0)
    check_equal(10, total(decoded(receiver.counted), "requests"), "counter")


@test("push/in-memory", "E4 H7")
def in_memory(world):
    """Without a state directory a program hands its own metrics on, each change once."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver, temporality="delta", metrics_interval_ms=1000)
    world.environment["XDG_STATE_HOME"] = "/proc/nowhere"
    program = pusher(world)
    process = started(world, [program, world.manifest_file, "5000", "200", "10000", "wait"])
    check_equal("sent\n", process.stdout.readline(), "the program")
    process.stdin.close()
    check_equal("0\n", process.stdout.readline(), "what close returned")
    process.wait()
    messages = decoded(receiver.counted)
    check(len(messages) > 1, f"{len(messages)} requests")
    check_equal(200, total(messages, "requests"), "counter")
    contiguous(messages, "requests")


@test("push/deadline", "E5 H7")
def deadline(world):
    """close() keeps its deadline while the receiver does not answer, and what it had to say is said later."""
    receiver = world.closes(PushReceiver(lambda number: "hang"))
    pushed_to(world, receiver)
    program = pusher(world)
    begin = time.monotonic()
    world.run([program, world.manifest_file, "300", "5"], timeout=30)
    check(time.monotonic() - begin < 20, "close took its time")
    check("time that the program had" in status(world)["last_error"], status(world))
    receiver.plan = lambda number: 200
    receiver.requests.clear()
    deliver(world, "--now", expected=0)
    check_equal(5, total(decoded(receiver.counted), "requests"), "counter")


@test("push/several-programs", "H2 H7")
def several_programs(world):
    """Several living programs of a tool with the same interval: the sums are those of the store, whoever sends."""
    receiver = world.closes(PushReceiver())
    pushed_to(world, receiver, metrics_interval_ms=1000, temporality="delta")
    program = pusher(world)
    running = [started(world, [program, world.manifest_file, "10000", "250", "8000", "wait"]) for _ in range(4)]
    for process in running:
        process.stdout.readline()
    for process in running:
        process.stdin.close()
        check_equal("0\n", process.stdout.readline(), "what close returned")
        process.wait()
    messages = decoded(receiver.counted)
    check_equal((1000, stored(world).total("requests")), (total(messages, "requests"),) * 2, "counter")
    contiguous(messages, "requests")
