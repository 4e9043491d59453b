"""H14: what is kept for receivers of the user's own, beside what the author gets."""
import json
import os
import signal
import subprocess
import time

import metrics_reader
import programs
from push_receiver import PushReceiver, decoded
from push_receiver import total as push_total
from suite import check, check_equal, test
from world import BUILD, TOOL


def state(world, *names):
    return world.path("home", ".local", "state", "telemetry", TOOL, *names)


def total(directory, name="requests"):
    """Of all series of a counter; 0 if there is no file."""
    return metrics_reader.read(directory).total(name) if os.path.exists(os.path.join(directory, "metrics")) else 0


def own(world, text="own: on\n", file="own.yaml"):
    path = world.path("home", ".config", "telemetry", file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    world.environment.pop("ITEST_TELEMETRY_ENABLED", None)


def disabled(world):
    world.environment.pop("ITEST_TELEMETRY_ENABLED", None)
    world.telemetry("disable")


def wait_for(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, what)
        time.sleep(0.02)


# Adds in three ways each time that it is told by a byte on standard input.
TOLD = programs.PRELUDE + r"""
int main(void)
{
    telemetry_metric_declaration requests = {.size = sizeof requests, .name = "requests", .type = TELEMETRY_COUNTER};
    telemetry_collector *telemetry = opened(&requests, 1);
    telemetry_metric *metric = telemetry_metric_find(telemetry, "requests");
    telemetry_series *series = telemetry_metric_bind(metric, NULL, 0);
    char told;
    while (read(STDIN_FILENO, &told, 1) == 1) {
        int status[3] = {telemetry_series_add(series, 1), telemetry_metric_add(metric, 1, NULL, 0),
                         telemetry_count(telemetry, "requests", 1, NULL, 0)};
        printf("%d %d %d\n", status[0], status[1], status[2]);
        fflush(stdout);
    }
    telemetry_close(telemetry, 0);
    return 0;
}
"""


class Told:
    def __init__(self, world):
        self.process = subprocess.Popen([world.program("told", TOLD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=world.environment)

    def add(self):
        """The statuses of three additions."""
        self.process.stdin.write(b".")
        self.process.stdin.flush()
        return [int(each) for each in self.process.stdout.readline().split()]

    def end(self):
        self.process.stdin.close()
        check_equal(0, self.process.wait(30), "exit code")


@test("own/alone", "H14")
def alone(world):
    """Without the author's consent it is kept, apart, and nothing else is made; DO_NOT_TRACK says nothing about it."""
    own(world)
    disabled(world)
    world.environment["DO_NOT_TRACK"] = "1"
    world.telemetry("count", "requests", "--by", "4")
    told = Told(world)
    check_equal([0, 0, 0], told.add(), "statuses")
    told.end()
    check_equal(7, total(state(world, "own")), "kept")
    check_equal({"own"}, set(os.listdir(state(world))), "the tool's directory")
    check("requests_total 7" in world.telemetry("metrics").stdout, "telemetry metrics")
    check("requests_total" not in world.telemetry("metrics", "--audience", "author").stdout, "for the author")
    world.telemetry("track", "build")
    check_equal({"own"}, set(os.listdir(state(world))), "the tool's directory after an event")
    said = json.loads(world.telemetry("status", "--json").stdout)
    check_equal((False, True, "own.yaml", []), (said["enabled"], said["own"]["enabled"], said["own"]["source"], said["own"]["metrics"]), "status")
    check("kept for you" in world.telemetry("status").stdout, "status")


@test("own/both", "H14 H2")
def both(world):
    """With consent every addition is in both files, exactly once, whatever is killed."""
    world.telemetry("enable")
    own(world)
    program = world.program("recorder", programs.RECORDER)
    done = 0
    for number in range(40):
        process = subprocess.Popen([program, "60", "100"], stdout=subprocess.PIPE, env=world.environment)
        if number % 2:
            time.sleep(0.004 + number * 0.0005)
            process.send_signal(signal.SIGKILL)
        answers = process.communicate()[0]
        check(set(answers) <= {ord("+")}, f"answers {set(answers)}")
        done += len(answers)
    for directory in (state(world), state(world, "own")):
        # An addition that was made, and whose answer was not written any more, may be there for each kill.
        check(done <= total(directory) <= done + 20, f"{directory}: {total(directory)} for {done}")


@test("own/disable", "H14 A17")
def disable(world):
    """`disable` takes the author's away while the program runs, and leaves one's own; the other way round too."""
    world.telemetry("enable")
    own(world)
    told = Told(world)
    check_equal([0, 0, 0], told.add(), "both")
    world.telemetry("disable")
    wait_for(lambda: told.add() == [0, 0, 0] and total(state(world)) == 0, "the author's are gone")
    before = total(state(world, "own"))
    check(before >= 6, f"kept: {before}")
    check_equal([0, 0, 0], told.add(), "after disable")
    check_equal(before + 3, total(state(world, "own")), "one's own after disable")
    check_equal(0, total(state(world)), "the author's after disable")
    own(world, "own: off\n")
    wait_for(lambda: told.add() == [20, 20, 20], "both are off")
    after = total(state(world, "own"))
    told.end()
    world.telemetry("enable")
    told = Told(world)
    check_equal([0, 0, 0], told.add(), "the author's alone")
    told.end()
    check_equal(3, total(state(world)), "the author's after enable")
    check_equal(after, total(state(world, "own")), "one's own, switched off")


@test("own/off", "H14 H15")
def off(world):
    """What switches off everything, and whoever asks in vain: no file is made."""
    disabled(world)
    cases = [({}, "own: off\n"), ({"OTEL_SDK_DISABLED": "true"}, "own: on\n"), ({"ITEST_NO_TELEMETRY": "1"}, "own: on\n"),
             ({}, "own: maybe\n"), ({}, "tools: {other: on}\n"), ({"OTEL_METRICS_EXPORTER": "none"}, "{}\n")]
    for variables, text in cases:
        own(world, text)
        world.environment.update(variables)
        told = Told(world)
        check_equal([20, 20, 20], told.add(), f"{variables} {text}")
        told.end()
        world.telemetry("count", "requests")
        check(not os.path.exists(state(world)), f"{variables} {text}: {os.listdir(state(world)) if os.path.exists(state(world)) else ''}")
        for name in variables:
            del world.environment[name]


@test("own/reset", "H14 B2")
def reset(world):
    """`reset` removes one's own too."""
    world.telemetry("enable")
    own(world)
    world.telemetry("count", "requests")
    check_equal((1, 1), (total(state(world)), total(state(world, "own"))), "kept")
    told = Told(world)
    check_equal([0, 0, 0], told.add(), "both")
    world.telemetry("reset")
    check(not os.path.exists(state(world)), f"left: {os.listdir(state(world)) if os.path.exists(state(world)) else ''}")
    told.end()


@test("own/fork", "H14 E8")
def fork(world):
    """A forked child adds to both."""
    world.telemetry("enable")
    own(world)
    program = world.program("forks", programs.PRELUDE + r"""
int main(void)
{
    telemetry_metric_declaration requests = {.size = sizeof requests, .name = "requests", .type = TELEMETRY_COUNTER};
    telemetry_collector *telemetry = opened(&requests, 1);
    telemetry_series *series = telemetry_metric_bind(telemetry_metric_find(telemetry, "requests"), NULL, 0);
    telemetry_series_add(series, 1);
    for (int i = 0; i < 20; i++)
        if (fork() == 0) {
            int bad = telemetry_series_add(series, 1) || telemetry_count(telemetry, "requests", 1, NULL, 0);
            telemetry_close(telemetry, 0);
            _exit(bad);
        }
    int status, bad = 0;
    while (wait(&status) > 0) bad |= status;
    telemetry_close(telemetry, 0);
    return bad ? 1 : 0;
}
""")
    world.run([program])
    check_equal((41, 41), (total(state(world)), total(state(world, "own"))), "kept")


@test("own/operator", "H14")
def by_operator(world):
    """A server whose operator has asked: telemetry_metrics_write() without the user's consent, and nothing for the author."""
    disabled(world)
    program = world.program("operator", programs.PRELUDE + r"""
int main(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    if (telemetry_options_set_operator_metrics(options, true) != TELEMETRY_OK) return 3;
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    if (telemetry_enabled(telemetry) || telemetry_track(telemetry, "feature.used", "x", NULL, 0) != TELEMETRY_DISABLED) return 4;
    if (telemetry_count(telemetry, "requests", 5, NULL, 0) != TELEMETRY_OK) return 6;
    static char text[65536];
    telemetry_metrics_write(telemetry, NULL, text, sizeof text, NULL);
    fputs(text, stdout);
    telemetry_close(telemetry, 100);
    return 0;
}
""", "-Wno-unused-function")
    check("requests_total 5" in world.run([program]).stdout, "telemetry_metrics_write()")
    check_equal({"own"}, set(os.listdir(state(world))), "the tool's directory")


CANARY = "AUTHORS-KEY-CANARY"

# A program of an author with a key and metadata, and with a receiver for events, metrics or both.
AUTHORS = programs.PRELUDE + r"""
int main(int argc, char **argv)
{
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    if (telemetry_options_load_manifest(options, argv[1]) != TELEMETRY_OK) return 3;
    telemetry_attribute team = telemetry_string("team", "AUTHORS-KEY-CANARY");
    telemetry_options_set_metadata(options, &team, 1);
    if (argc > 3) {
        telemetry_attribute settings[] = {telemetry_string("endpoint", argv[3]), telemetry_string("headers.x-operator", "mine")};
        if (telemetry_options_add_operator_backend(options, "otlp", settings, 2) != TELEMETRY_OK) return 4;
    }
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_track(telemetry, "feature.used", "AUTHORS-EVENT", NULL, 0);
    for (int i = 0; i < atoi(argv[2]); i++) telemetry_count(telemetry, "requests", 1, NULL, 0);
    printf("%d\n", telemetry_close(telemetry, 20000));
    return 0;
}
"""


class Receivers:
    """The author's and one's own."""

    def __init__(self, world, **backend):
        self.author, self.own = PushReceiver(), PushReceiver()
        world.manifest(self.author.url, None, kind="otlp", **{"headers": {"x-author": CANARY}, "signals": ["events", "metrics"], **backend})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.author.close()
        self.own.close()

    def check_apart(self, own_path="/v1/metrics"):
        for request in self.own.requests:
            said = repr(sorted(request.headers.items())).encode() + request.body
            for canary in (CANARY.encode(), b"AUTHORS-EVENT", b"x-author"):
                check(canary not in said, f"{canary} at one's own receiver: {said[:300]}")
            check_equal(own_path, request.path, "path")
        for request in self.author.requests:
            check("mine" not in request.headers.values() and "x-operator" not in request.headers, f"one's own key at the author's: {request.headers}")

    @staticmethod
    def last(receiver):
        return push_total([decoded(receiver.requests)[-1]], "requests") if receiver.requests else 0


def authors(world):
    return world.program("authors", AUTHORS, "-Wno-unused-function")


@test("own/sent", "H14 H7")
def sent(world):
    """One's own receiver gets metrics whatever the author gets, and each gets nothing of the other's."""
    with Receivers(world) as receivers:
        own(world, f"backends: [{{kind: otlp, endpoint: '{receivers.own.url}', headers: {{x-own: mine}}}}]\n")
        disabled(world)
        program = authors(world)
        world.run([program, world.manifest_file, "3"])
        check_equal((0, 3), (len(receivers.author.requests), receivers.last(receivers.own)), "without consent")
        check_equal("mine", receivers.own.requests[0].headers.get("x-own"), "the header of own.yaml")
        said = json.loads(world.telemetry("status", "--json").stdout)["own"]
        check_equal(["own.otlp"], [each["name"] for each in said["metrics"]], "status")
        check(said["metrics"][0]["points_accepted"] > 0, f"status: {said['metrics'][0]}")
        world.telemetry("enable")
        world.run([program, world.manifest_file, "4"])
        check_equal(7, receivers.last(receivers.own), "one's own, with consent")
        of_metrics = [request for request in receivers.author.requests if request.path == "/v1/metrics"]
        check_equal(4, push_total([decoded(of_metrics)[-1]], "requests"), "the author's")
        receivers.check_apart()
        world.telemetry("count", "requests")
        world.telemetry("deliver", "--now")
        check_equal(8, receivers.last(receivers.own), "by telemetry deliver")
        receivers.check_apart()


@test("own/deliver", "H14 H7")
def delivered(world):
    """`telemetry deliver` and `flush` send one's own while the author gets nothing; a receiver that is away is said, and tried again."""
    with Receivers(world) as receivers:
        own(world, f"backends: [{{kind: otlp, endpoint: '{receivers.own.url}', temporality: delta}}]\n")
        disabled(world)
        receivers.own.plan = lambda number: 503 if number < 1 else 200
        world.telemetry("count", "requests", "--by", "5")
        wait_for(lambda: len(receivers.own.requests) >= 1, "the detached delivery")
        wait_for(lambda: json.loads(world.telemetry("status", "--json").stdout)["own"]["metrics"][0]["consecutive_failures"] == 1, "status")
        done = world.telemetry("flush", expected=None)
        check_equal(4, done.returncode, f"exit code in the pause ({done.stderr})")
        check("your own receivers" in done.stderr, done.stderr)
        world.telemetry("deliver", "--now")
        world.telemetry("count", "requests", "--by", "2")
        world.telemetry("deliver", "--now")
        check_equal(7, push_total(decoded(receivers.own.counted), "requests"), "the differences")
        check_equal(0, len(receivers.author.requests), "the author's")


@test("own/variables", "H15 H14")
def variables(world):
    """OpenTelemetry's variables name one's own receiver, and do not count where the author has chosen one for metrics."""
    with Receivers(world, signals=["events"]) as receivers:
        disabled(world)
        world.environment.update({"OTEL_EXPORTER_OTLP_ENDPOINT": receivers.own.url, "OTEL_EXPORTER_OTLP_HEADERS": "x-own=mine",
                                  "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})
        program = authors(world)
        world.run([program, world.manifest_file, "3"])
        check_equal((3, "mine", "application/json"), (receivers.last(receivers.own), receivers.own.requests[0].headers.get("x-own"),
                                                      receivers.own.requests[0].headers["Content-Type"]), "by the variables")
        receivers.check_apart()
        check_equal(0, len(receivers.author.requests), "the author's")
        before = len(receivers.own.requests)
        for name, value in (("OTEL_SDK_DISABLED", "true"), ("OTEL_METRICS_EXPORTER", "none"), ("ITEST_NO_TELEMETRY", "1")):
            world.environment[name] = value
            world.run([program, world.manifest_file, "3"])
            del world.environment[name]
        check_equal(before, len(receivers.own.requests), "requests while it is refused")
        world.environment["ITEST_TELEMETRY_LOCAL"] = "1"
        world.run([program, world.manifest_file, "1"])
        check_equal((before, 4), (len(receivers.own.requests), total(state(world, "own"))), "kept on this machine")
        del world.environment["ITEST_TELEMETRY_LOCAL"]
    with Receivers(world) as receivers:
        world.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = receivers.own.url
        world.run([authors(world), world.manifest_file, "3"])
        check_equal((0, 0), (len(receivers.own.requests), len(receivers.author.requests)), "the author has a receiver for metrics")


@test("own/operator-backend", "H14 H7")
def operator_backend(world):
    """A receiver that the program's operator has chosen, beside one of own.yaml."""
    with Receivers(world) as receivers:
        disabled(world)
        world.run([authors(world), world.manifest_file, "6", receivers.own.url])
        check_equal((6, "mine"), (receivers.last(receivers.own), receivers.own.requests[0].headers.get("x-operator")), "the operator's")
        receivers.check_apart()
        check_equal(0, len(receivers.author.requests), "the author's")
        second = PushReceiver()
        try:
            own(world, f"backends: [{{kind: otlp, endpoint: '{second.url}'}}]\n")
            world.run([authors(world), world.manifest_file, "1", receivers.own.url])
            check_equal((7, 7), (receivers.last(receivers.own), receivers.last(second)), "both")
            check(all("x-operator" not in request.headers for request in second.requests), "the operator's key at the other receiver")
        finally:
            second.close()


@test("own/shell", "H14 I")
def shell(world):
    """The shell binding counts for the user under DO_NOT_TRACK, and starts no process if nobody has asked."""
    disabled(world)
    world.environment["DO_NOT_TRACK"] = "1"
    binding = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bindings", "shell", "telemetry.sh")
    script = f'PATH={os.path.join(BUILD, "bin")}:$PATH; TELEMETRY_TOOL={TOOL}; . "$0"; telemetry_count a; telemetry_track x; telemetry_time d true'
    world.run(["sh", "-c", script, binding])
    check(not os.path.exists(state(world)), "nobody has asked")
    own(world)
    world.run(["sh", "-c", script, binding])
    check_equal((1, 1), (total(state(world, "own"), "a"), total(state(world, "own"), "d")), "kept")
    check_equal({"own"}, set(os.listdir(state(world))), "the tool's directory")


@test("own/shown", "H14 B3")
def shown(world):
    """`show --sent` and `--wire` have what one's own receivers get."""
    receiver = PushReceiver()
    try:
        # A count with a receiver starts a process that delivers, maybe before it is shown.
        own(world)
        disabled(world)
        world.telemetry("count", "requests", "--by", "5")
        own(world, f"backends: [{{kind: otlp, endpoint: '{receiver.url}', protocol: http/json}}]\n")
        check("requests" in world.telemetry("show", "--wire", "--audience", "own").stdout, "show --wire")
        world.telemetry("deliver", "--now")
        check("requests" in world.telemetry("show", "--sent", "--audience", "own").stdout, "show --sent")
        check("verified" in world.telemetry("show", "--sent", "--verify", "--audience", "own").stdout, "show --verify")
        check_equal("[]\n", world.telemetry("show", "--sent").stdout, "the author's")
        with open(state(world, "own", "sent.metrics.jsonl"), "r+b") as file:
            file.write(b"#")
        done = world.telemetry("show", "--sent", "--verify", "--audience", "own", expected=None)
        check(done.returncode != 0 and "broken" in done.stderr, f"{done.returncode} {done.stderr}")
    finally:
        receiver.close()
