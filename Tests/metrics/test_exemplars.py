"""Issue "Spans": values of histograms name the span in whose scope they were observed."""
import json
import os
import signal
import subprocess
import time
import urllib.parse
import urllib.request

import metrics_reader
import programs
from push_receiver import PushReceiver, decoded, metrics
from suite import check, check_equal, test
from test_prometheus import PYTHON, HelperServer, Prometheus
from world import BUILD, TOOL

# observer: says a line for each span whose id an exemplar may have: name, trace id, span id.
OBSERVER = programs.PRELUDE + r"""
static void say(const char *name, const telemetry_span *span)
{
    char text[TELEMETRY_TRACEPARENT_SIZE];
    if (telemetry_span_traceparent(span, text, sizeof text) > 0)
        printf("%s %.32s %.16s\n", name, text + 3, text + 36);
}

int main(int argc, char **argv)
{
    const double bounds[] = {1, 10, 100};
    telemetry_metric_declaration declared[] = {
        {.size = sizeof *declared, .name = "h", .type = TELEMETRY_HISTOGRAM, .bounds = bounds, .bound_count = 3},
        {.size = sizeof *declared, .name = "e", .type = TELEMETRY_EXPONENTIAL_HISTOGRAM},
        {.size = sizeof *declared, .name = "c", .type = TELEMETRY_COUNTER},
    };
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    if (argc > 1 && telemetry_options_load_manifest(options, argv[1]) != TELEMETRY_OK)
        return 3;
    for (int i = 0; i < 3; i++)
        telemetry_options_add_metric(options, &declared[i]);
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    (void)opened;
    telemetry_metric *h = telemetry_metric_find(telemetry, "h"), *e = telemetry_metric_find(telemetry, "e");
    telemetry_series *bound = telemetry_metric_bind(h, NULL, 0);
    telemetry_metric_observe(h, 0.5, NULL, 0);                       /* no span */

    telemetry_span outer, inner, left_out;
    telemetry_span_begin(telemetry, &outer, "outer", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    telemetry_metric_observe(h, 0.75, NULL, 0);                      /* open, but not active */
    telemetry_span_activate(&outer);
    say("outer", &outer);
    telemetry_series_observe(bound, 5);
    telemetry_metric_observe(e, 3, NULL, 0);
    telemetry_count(telemetry, "c", 1, NULL, 0);
    telemetry_observe(telemetry, "by_name", 0.02, NULL, 0);
    telemetry_span_begin(telemetry, &inner, "inner", TELEMETRY_SPAN_INTERNAL, NULL);
    telemetry_span_activate(&inner);
    say("inner", &inner);
    telemetry_metric_observe(h, 50, NULL, 0);
    telemetry_metric_observe(e, -300, NULL, 0);
    telemetry_metric_observe(e, 0, NULL, 0);
    telemetry_span_end(&inner);
    telemetry_series_observe(bound, 500);                            /* outer again */
    telemetry_span_end(&outer);
    telemetry_span_begin_remote(telemetry, &left_out, "left out", TELEMETRY_SPAN_SERVER,
                                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", NULL);
    telemetry_span_activate(&left_out);
    telemetry_metric_observe(h, 0.25, NULL, 0);                      /* not sampled */
    telemetry_span_end(&left_out);
    telemetry_close(telemetry, 20000);
    return 0;
}
"""


def observed(world, *arguments, environment=None):
    """Runs it: {name: (trace id, span id)}."""
    lines = world.run([world.program("observer", OBSERVER), *arguments], environment=environment).stdout.splitlines()
    return {name: (trace, span) for name, trace, span in map(str.split, lines)}


def kept(world, metric):
    """{value: (trace id, span id)}, as the file has them."""
    now = time.time_ns()
    found = metrics_reader.read(world.spool).value(metric)["exemplars"].values()
    check(all(now - 600e9 < when <= now for _, when, *_ in found), f"times: {found}")
    return {value: tuple(ids) for value, _, *ids in found}


@test("exemplars/kept", "H3")
def kept_of_active_spans(world):
    """By a bound series, by a metric, by a name; of the innermost active span that is sampled, and of no other; one for each bucket."""
    world.telemetry("enable")
    spans = observed(world)
    check_equal({5.0: spans["outer"], 50.0: spans["inner"], 500.0: spans["outer"]}, kept(world, "h"), "h")
    check_equal({3.0: spans["outer"], -300.0: spans["inner"], 0.0: spans["inner"]}, kept(world, "e"), "e")
    check_equal({0.02: spans["outer"]}, kept(world, "by_name"), "by_name")
    found = {each["name"]: each["series"][0] for each in json.loads(world.telemetry("metrics", "--format", "json").stdout)["metrics"]}
    check("exemplars" not in found["c"], "a counter has exemplars")
    for name, values in (("h", {5, 50, 500}), ("e", {3, -300, 0})):
        check_equal({(value, *kept(world, name)[value]) for value in values},
                    {(each["value"], each["trace_id"], each["span_id"]) for each in found[name]["exemplars"]}, name)
    ended = {each["name"]: (each["trace_id"], each["span_id"]) for each in map(json.loads, open(os.path.join(world.spool, "spans", "spans.jsonl")))}
    check_equal(spans["inner"], ended["inner"], "the span that was recorded")


@test("exemplars/openmetrics", "H3")
def openmetrics(world):
    """At the line of the bucket that the value is in, as prometheus_client's parser reads it; none in Prometheus' text."""
    world.telemetry("enable")
    spans = observed(world)
    text = world.telemetry("metrics", "--format", "openmetrics").stdout
    check(" # " not in world.telemetry("metrics").stdout.replace("\n# ", "\n"), "Prometheus' text has none")
    script = ("import sys, json\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n"
              "print(json.dumps([[s.name, s.labels.get('le'), s.exemplar.value, s.exemplar.labels, float(s.exemplar.timestamp)]"
              " for f in parse(sys.stdin.read()) for s in f.samples if s.exemplar]))")
    done = subprocess.run([PYTHON, "-c", script], input=text, text=True, capture_output=True)
    check_equal("", done.stderr, "errors")
    found = json.loads(done.stdout)
    told = [{"trace_id": spans[name][0], "span_id": spans[name][1]} for name in ("outer", "inner")]
    check_equal([["10.0", 5, told[0]], ["100.0", 50, told[1]], ["+Inf", 500, told[0]]], [each[1:4] for each in found if each[0] == "h_bucket"], "h")
    for _, bound, value, *_ in found:
        check(value <= float(bound), f"{value} above {bound}")
    exponential = {each[2]: each[3] for each in found if each[0] == "e_bucket"}
    check_equal({3: told[0], -300: told[1], 0: told[1]}, exponential, "e")
    check(all(abs(each[4] - time.time()) < 600 for each in found), "times")


@test("exemplars/prometheus", "H3")
def prometheus(world):
    """A real Prometheus stores them."""
    world.telemetry("enable")
    spans = observed(world)
    server = Prometheus(world, {"tool": HelperServer(world, "openmetrics").port}, "--enable-feature=exemplar-storage")
    server.await_value('h_bucket{le="+Inf"}', 6)
    url = f"http://127.0.0.1:{server.port}/api/v1/query_exemplars?" + urllib.parse.urlencode(
        {"query": "h_bucket", "start": time.time() - 3600, "end": time.time() + 60})
    with urllib.request.urlopen(url, timeout=30) as answer:
        found = {(float(each["value"]), each["labels"]["trace_id"], each["labels"]["span_id"])
                 for series in json.load(answer)["data"] for each in series["exemplars"]}
    check_equal({(5.0, *spans["outer"]), (50.0, *spans["inner"]), (500.0, *spans["outer"])}, found, "exemplars")
    server.check_log()


def sent(message, name):
    """{value: (trace id, span id)} of the only point, as opentelemetry-proto has it."""
    point, = metrics(message)[name][1]["dataPoints"]
    return {each["asDouble"]: (each["traceId"], each["spanId"]) for each in point.get("exemplars", [])}


def pushed(receiver):
    """The messages with metrics."""
    return decoded([each for each in receiver.requests if each.path == "/v1/metrics"])


@test("exemplars/otlp", "H7")
def otlp(world):
    """In both forms. With deltas, a point has only those of its own time."""
    program = world.program("observer", OBSERVER)
    for protocol in ("http/protobuf", "http/json"):
        receiver = world.closes(PushReceiver())
        world.manifest(receiver.url, kind="otlp", signals=["metrics", "spans"], timeout_ms=60000, protocol=protocol)
        spans = observed(world, world.manifest_file)
        message, = pushed(receiver)
        check_equal({5.0: spans["outer"], 50.0: spans["inner"], 500.0: spans["outer"]}, sent(message, "h"), f"h, {protocol}")
        check_equal({3.0, -300.0, 0.0}, set(sent(message, "e")), f"e, {protocol}")
    receiver = world.closes(PushReceiver())
    world.manifest(receiver.url, kind="otlp", signals=["metrics", "spans"], timeout_ms=60000, temporality="delta")
    observed(world, world.manifest_file)
    world.run([program, world.manifest_file], environment={"OTEL_TRACES_SAMPLER": "always_off"})
    first, second = pushed(receiver)
    check_equal(3, len(sent(first, "h")), "the first interval")
    check_equal({}, sent(second, "h"), "the second one, without a span")


@test("exemplars/filter", "H15")
def variable(world):
    """OTEL_METRICS_EXEMPLAR_FILTER=always_off: none. trace_based and always_on: those of spans."""
    world.telemetry("enable")
    observed(world, environment={"OTEL_METRICS_EXEMPLAR_FILTER": "always_off"})
    check_equal(({}, 6), (kept(world, "h"), metrics_reader.read(world.spool).value("h")["count"]), "always_off")
    for number, word in enumerate(("trace_based", "always_on", "")):
        spans = observed(world, environment={"OTEL_METRICS_EXEMPLAR_FILTER": word})
        check_equal({5.0: spans["outer"], 50.0: spans["inner"], 500.0: spans["outer"]}, kept(world, "h"), word)


@test("exemplars/environment", "H3")
def of_the_environment(world):
    """Below TRACEPARENT, a value belongs to the span that it names: of `telemetry observe` and `time` in a script that is run as a span."""
    world.telemetry("enable")
    with open(world.path("script"), "w") as file:
        file.write("echo $TRACEPARENT\n$TELEMETRY observe size 3 --tool itest\n$TELEMETRY time took --tool itest -- true\n")
    helper = f"{BUILD}/bin/telemetry"
    out = world.run([helper, "span", "--tool", TOOL, "--name", "script", "--", "sh", world.path("script")], environment={"TELEMETRY": helper}).stdout
    _, trace, span, _ = out.strip().split("-")
    check_equal({3.0: (trace, span)}, kept(world, "size"), "observe")
    check_equal([(trace, span)], list(kept(world, "took").values()), "time")
    not_sampled = f"00-{trace}-{span}-00"
    world.telemetry("observe", "other", "3", environment={"TRACEPARENT": not_sampled})
    check_equal({}, kept(world, "other"), "not sampled")
    world.telemetry("observe", "third", "3", environment={"TRACEPARENT": not_sampled[:-1] + "1", "OTEL_METRICS_EXEMPLAR_FILTER": "always_off"})
    check_equal({}, kept(world, "third"), "filter")


# writers THREADS: each thread has a span of its own and observes, for ever, values that only it observes: N + 0.5 in thread N of 8 numbers.
WRITERS = programs.PRELUDE + r"""
static telemetry_collector *telemetry;

static void *write_on(void *number)
{
    telemetry_metric *h = telemetry_metric_find(telemetry, "shared");
    telemetry_span span;
    telemetry_span_begin(telemetry, &span, "w", TELEMETRY_SPAN_INTERNAL, TELEMETRY_SPAN_ROOT);
    telemetry_span_activate(&span);
    char text[TELEMETRY_TRACEPARENT_SIZE], line[200];
    telemetry_span_traceparent(&span, text, sizeof text);
    double value = (double)getpid() + (double)(long)number / 8;
    int length = snprintf(line, sizeof line, "%.3f %.32s %.16s\n", value, text + 3, text + 36);
    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        exit(4);
    for (;;)
        telemetry_metric_observe(h, value, NULL, 0);
    return NULL;
}

int main(void)
{
    const double bounds[] = {1};
    telemetry_metric_declaration shared = {.size = sizeof shared, .name = "shared", .type = TELEMETRY_HISTOGRAM, .bounds = bounds, .bound_count = 1};
    telemetry = opened(&shared, 1);
    pthread_t thread;
    for (long i = 0; i < 4; i++)
        pthread_create(&thread, NULL, write_on, (void *)i);
    pause();
    return 0;
}
"""


@test("exemplars/torn", "H2")
def never_torn(world):
    """Threads of several processes write into one slot, and are killed: an exemplar that is read has the value and the ids of one span."""
    world.telemetry("enable")
    program = world.program("writers", WRITERS)
    spans, seen = {}, 0
    for _ in range(6):
        processes = [subprocess.Popen([program], env=world.environment, cwd=world.root, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        for process in processes:
            for _ in range(4):
                value, *ids = process.stdout.readline().split()
                spans[tuple(ids)] = float(value)
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            for value, _, *ids in (metrics_reader.read(world.spool).value("shared") or {"exemplars": {}})["exemplars"].values():
                check_equal(spans.get(tuple(ids)), value, "the value of that span")
                seen += 1
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    check(seen > 10, f"{seen} were seen")
    check(len({ids[0] for ids in spans}) == len(spans) == 72, "spans")
    text = world.telemetry("metrics", "--format", "openmetrics").stdout
    check_equal(1, text.count(" # {trace_id="), "after the kills one is there")


@test("exemplars/damaged", "H2")
def damaged(world):
    """A block that is not one, and a slot with a wrong checksum, give no exemplar; everything else stays, and new ones are written."""
    world.telemetry("enable")
    observed(world)
    path = os.path.join(world.spool, "metrics")
    with open(path, "rb") as file:
        data = bytearray(file.read())
    series = next(at for at in range(20480, len(data), 64) if data[at + 12] == 5)
    for offset, text in ((64, b"\xff" * 200), (12, b"\x03"), (4, b"\xff\xff\xff\x7f")):
        spoilt = bytearray(data)
        spoilt[series + offset:series + offset + len(text)] = text
        with open(path, "r+b") as file:
            file.write(spoilt)
        for form in ("openmetrics", "json", "prometheus"):
            check_equal(0, world.telemetry("metrics", "--format", form).returncode, form)
        observed(world)
    with open(path, "r+b") as file:
        file.write(data)
    check(kept(world, "h"), "the file as it was has them")


@test("exemplars/consent", "P1")
def withdrawn(world):
    """Without consent there is no span, and nothing is kept; a withdrawal removes what was."""
    world.telemetry("disable")
    check_equal(({}, False), (observed(world), os.path.exists(os.path.join(world.spool, "metrics"))), "without consent")
    world.telemetry("enable")
    check(observed(world) and kept(world, "h"), "with consent")
    world.telemetry("disable")
    check(not os.path.exists(os.path.join(world.spool, "metrics")), "after the withdrawal")
