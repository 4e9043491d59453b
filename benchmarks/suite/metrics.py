"""What recording metrics costs, beside prometheus-cpp; metrics as text; counting from a shell script."""
from . import place, process
from .report import spread

ROUNDS = 7
REPETITIONS = 3
PEER = "prometheus-cpp"
# What is measured: its name, kind of program, threads, calls, target as a ratio to the peer.
CALLS = [
    ("add to a bound series, 1 thread", "add", 1, 2_000_000, 1.1),
    ("add to one bound series, 4 threads", "add", 4, 16_000_000, 1),
    ("observe, 11 buckets", "observe", 1, 1_000_000, 0.8),
    ("look up two attributes and add", "lookup", 1, 200_000, 0.2),
    ("look up the name and two attributes, and add", "name", 1, 200_000, None),
    ("10,000 series as text", "text", 1, 5, 0.15),
]
LINES = 10_000


def subjects(kind, library):
    """Name and program of those that have such a call."""
    found = [("libtelemetry", f"metrics-telemetry-{kind}")] if library else []
    return found + ([(PEER, f"metrics-prometheus-{kind}")] if kind != "name" else [])


def rate(program, threads, calls, repetitions, **extra):
    """What an earlier process has counted is in the file of the tool's metrics: each begins with none."""
    place.fresh_home()
    result, = place.run_json([place.PROGRAMS / program, "rate", threads, calls, repetitions], env=place.environment(**extra))
    return result


def sample(library):
    """{(what, contestant): results}; the contestants take turns."""
    samples = {}
    for number in range(ROUNDS):
        for what, kind, threads, calls, _ in CALLS:
            for name, program in subjects(kind, library)[::1 if number % 2 else -1]:
                samples.setdefault((what, name), []).append(rate(program, threads, calls, REPETITIONS))
    return samples


def report_metrics(report, library):
    report_calls(report, sample(library))
    report_allocations(report, library)
    if library:
        report_processes(report)


def report_calls(report, samples):
    rows, notes = [], []
    for what, _, threads, _, limit in CALLS:
        medians = {}
        for name in ("libtelemetry", PEER):
            results = samples.get((what, name), [])
            missing = next((each["missing"] for each in results if "missing" in each), None)
            if missing:
                notes.append(f" {what}: not measured, the library has no {missing}().")
            elif results:
                medians[name], row = figures(results)
                rows.append([what, name, threads, *row])
        ours, peer = medians.get("libtelemetry"), medians.get(PEER)
        for row in rows[-len(medians):] if peer else []:
            row.append(f"{row[3] / peer:.2f}")
        if limit:
            beside = f"{PEER} {duration(peer)}" + (f", ours {duration(ours)}" if ours else "")
            report.target(f"metrics: {what}", ours and ours / peer, limit, f"× {PEER}", beside)
    notes += [f" The text: {name} {result['bytes']:,} bytes, {result['samples']:,} samples."
              for (_, name), (result, *_) in samples.items() if "bytes" in result]
    report.section("Metrics", ["what", "contestant", "threads", "ns", "quartiles", "best", "callers' CPU ns", f"× {PEER}"],
                   [row + ["-"] * (8 - len(row)) for row in rows],
                   f"Of one call, or one text. {ROUNDS * REPETITIONS} repetitions; wall time until all threads are done, divided by the calls of "
                   f"all threads." + "".join(notes))


def figures(results):
    """The median, and a row's cells from there on."""
    middle, low, high = spread([value for each in results for value in each["ns"]])
    best = min(value for each in results for value in each["ns"])
    digits = 0 if middle >= 1000 else 1
    return middle, [middle, f"{low:,.{digits}f}–{high:,.{digits}f}", best, spread([each["caller_cpu_ns"] for each in results])[0]]


def duration(ns):
    return f"{ns / 1e6:.2f} ms" if ns >= 1e6 else f"{ns:.1f} ns"


def report_allocations(report, library, calls=100_000):
    rows = []
    for what, kind, threads, _, _ in CALLS:
        if threads == 1 and kind != "text":
            counts = {name: rate(program, 1, calls, 1, LD_PRELOAD=place.PROGRAMS / "malloc_count.so")["allocations"]
                      for name, program in subjects(kind, library)}
            rows += [[what, name, calls, count] for name, count in counts.items()]
            report.target(f"metrics: heap allocations, {calls:,} times: {what}", counts.get("libtelemetry"), 0, "calls",
                          f"{PEER} {counts[PEER]:,}" if PEER in counts else "")
    report.section("Metrics: heap allocations of the recording thread", ["what", "contestant", "calls", "allocations"], rows,
                   "After the first call for each series. A look-up may allocate when it looks at the file, every two milliseconds.")


def report_processes(report):
    """The same two attributes for all; the lines of the batch are those of twenty series."""
    telemetry, lines = place.BUILD / "bin" / "telemetry", place.WORK / "batch.txt"
    lines.write_text("".join(f"requests 1 method=GET status={200 + i % 20}\n" for i in range(LINES)))
    attributes = lambda option: [option, "method=GET", option, "status=200"]
    one, track, batch = "telemetry count", "telemetry track", f"telemetry count --batch -, {LINES:,} lines"
    # The programs before have recorded into the same metric.
    before = counted(telemetry)
    results = process.spawn(150, [
        ("/bin/true", ["/bin/true"]),
        (track, [telemetry, "track", "build", "--tool", "bench", *attributes("--property")]),
        (one, [telemetry, "count", "requests", "--tool", "bench", *attributes("--attribute")]),
        (batch, ["<", lines, telemetry, "count", "--tool", "bench", "--batch", "-"])])
    check_counted(counted(telemetry) - before)
    process.table(report, "From a shell script: metrics", results, "/bin/true")
    milliseconds = {name: f"{name} {each['us'] / 1000:.2f} ms" for name, each in results.items()}
    report.target("telemetry count", results[one]["us"] / results[track]["us"], 1.1, "× telemetry track",
                  f"{milliseconds[track]}, {milliseconds[one]}")
    report.target(f"a batch of {LINES:,}", results[batch]["us"] / results[one]["us"], 20, "× telemetry count", milliseconds[batch])
    lines.unlink()


def counted(telemetry):
    text = place.run([telemetry, "metrics", "--format", "prometheus", "--tool", "bench"])
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("requests_total"))


def check_counted(added):
    """150 rounds and 9 to warm up; each has one count and one batch."""
    if added != (150 + 150 // 20 + 2) * (LINES + 1):
        raise RuntimeError(f"not all was counted: {added:,.0f}")
