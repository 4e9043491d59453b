"""What a span costs its caller, beside an event of the same attributes, OpenTelemetry's SDK for Python and LTTng-UST; and a
span around a program."""
from . import peers, place, process
from .report import spread

ROUNDS = 5
REPETITIONS = 3
SPANS = 200_000
PYTHON_SPANS = 5_000
SPAN, EVENT, UNSAMPLED, OFF = "span", "event", "unsampled", "off"
NAMES = {
    SPAN: "libtelemetry: begin, two attributes, end", EVENT: "libtelemetry: an event with two attributes",
    UNSAMPLED: "libtelemetry: the same span, not sampled", OFF: "libtelemetry: the same span, without consent",
}
PYTHON, PYTHON_UNSAMPLED = "opentelemetry-sdk for Python: the same span", "opentelemetry-sdk for Python: not sampled"
LTTNG = "LTTng-UST tracepoint with five fields"


def rate(kind, count=SPANS, **extra):
    place.fresh_home()
    result, = place.run_json([place.PROGRAMS / f"spans-telemetry-{kind}", "rate", 1, count, REPETITIONS],
                             env=place.environment(**extra))
    return result


def sample(library):
    samples = {}
    python = peers.otlp_exporter()
    with peers.lttng_session() as (lttng, _):
        for number in range(ROUNDS):
            for kind in list(NAMES)[::1 if number % 2 else -1] if library else []:
                samples.setdefault(NAMES[kind], []).extend(rate(kind)["ns"])
            result, = place.run_json([python, place.SOURCES / "spans_otel.py", PYTHON_SPANS, REPETITIONS], env=place.environment())
            samples.setdefault(PYTHON, []).extend(result["ns"])
            samples.setdefault(PYTHON_UNSAMPLED, []).extend(result["unsampled_ns"])
            result, = place.run_json([place.PROGRAMS / "record-lttng", "rate", 1, SPANS, REPETITIONS], env=lttng)
            samples.setdefault(LTTNG, []).extend(result["ns"])
    return samples


def report_spans(report, library):
    samples = sample(library)
    medians = {name: spread(values)[0] for name, values in samples.items()}
    event = medians.get(NAMES[EVENT])
    rows = []
    for name, values in samples.items():
        middle, low, high = spread(values)
        rows.append([name, middle, f"{low:,.1f}–{high:,.1f}", min(values), middle / event if event else "-"])
    report.section("Spans", ["what", "ns", "quartiles", "best", "× event"], rows,
                   f"Wall time of one thread, {ROUNDS * REPETITIONS} repetitions; the spool wraps round, nothing delivers.")
    if not library:
        return
    report.target("a span", medians[NAMES[SPAN]] / event, 1.6, "× event", f"span {medians[NAMES[SPAN]]:.0f} ns, event {event:.0f} ns")
    report.target("a span that is not sampled", medians[NAMES[UNSAMPLED]] / medians[NAMES[SPAN]], 0.05, "× span",
                  f"{medians[NAMES[UNSAMPLED]]:.1f} ns")
    allocations = rate(SPAN, 100_000, LD_PRELOAD=place.PROGRAMS / "malloc_count.so")["allocations"]
    report.target("spans: heap allocations, 300,000 times", allocations, 0, "calls", "")
    report_programs(report)


def report_programs(report):
    telemetry = place.BUILD / "bin" / "telemetry"
    command, span = "telemetry command -- true", "telemetry span -- true"
    results = process.spawn(150, [
        ("/bin/true", ["/bin/true"]),
        (command, [telemetry, "command", "--tool", "bench", "build", "--", "true"]),
        (span, [telemetry, "span", "--tool", "bench", "--name", "build", "--", "true"])])
    process.table(report, "Around a program: command and span", results, "/bin/true")
    report.target(span, results[span]["us"] / results[command]["us"], 1.15, f"× {command}",
                  f"{results[command]['us'] / 1000:.2f} ms, {results[span]['us'] / 1000:.2f} ms")
