"""What recording an event costs its caller."""
from . import peers, place
from .report import spread

ROUNDS = 5
REPETITIONS = 3
EVENTS = 200_000
MODES = {"spool": "full spool, no delivery", "noop": "delivering to nowhere", "file": "delivering to a file"}


def subjects(library, lttng_env):
    """Name, program, environment."""
    log = place.WORK / "spdlog.log"
    ring = {"BENCH_RING": place.WORK / "ring"}
    found = [
        ("hand-written C, 256 KiB ring", "record-hand", place.environment(**ring)),
        ("hand-written C, 16 MiB ring", "record-hand", place.environment(**ring, BENCH_RING_BYTES=16 << 20)),
        ("LTTng-UST tracepoint", "record-lttng", lttng_env),
        ("LTTng-UST tracef", "record-tracef", lttng_env),
        ("spdlog async, waits when full", "record-spdlog", place.environment(BENCH_LOG=log)),
        ("spdlog async, loses when full", "record-spdlog", place.environment(BENCH_LOG=log, BENCH_OVERFLOW="overrun")),
    ]
    if library:
        found[:0] = [(f"libtelemetry, {text}", "record-telemetry", place.environment(BENCH_MODE=mode))
                     for mode, text in MODES.items()]
    return found


def rates(library):
    """{(name, threads): samples of wall ns, callers' CPU ns, all CPU ns}; the contestants take turns,
    so that drift hits all."""
    samples, lost = {}, {}
    with peers.lttng_session() as (env, discarded):
        contestants = subjects(library, env)
        for _ in range(ROUNDS):
            for name, program, environment in contestants:
                for threads in (1, 8):
                    result, = place.run_json([place.PROGRAMS / program, "rate", threads, EVENTS, REPETITIONS], env=environment)
                    walls, callers, cpus = samples.setdefault((name, threads), ([], [], []))
                    walls += result["ns"]
                    callers.append(result["caller_cpu_ns"])
                    cpus.append(result["cpu_ns"])
                    lost[name] = lost.get(name, 0) + result.get("lost", 0)
        lost_lttng = discarded()
    (place.WORK / "spdlog.log").unlink(missing_ok=True)
    return samples, lost, lost_lttng


def report_rates(report, library):
    samples, lost, lost_lttng = rates(library)
    base = {threads: spread(samples[("hand-written C, 256 KiB ring", threads)][0])[0] for threads in (1, 8)}
    rows = []
    for threads in (1, 8):
        for (name, count), (walls, callers, cpus) in samples.items():
            if count == threads:
                median, low, high = spread(walls)
                rows.append([name, threads, median, f"{low:.0f}–{high:.0f}", min(walls), median / base[threads],
                             spread(callers)[0], spread(cpus)[0]])
    losses = ", ".join(f"{name}: {n:,}" for name, n in lost.items() if n)
    report.section("Record an event with five attributes", ["contestant", "threads", "ns per event", "quartiles", "best",
                   "× hand-written", "callers' CPU ns", "all CPU ns"], rows,
                   f"Wall time until all threads are done, divided by the events of all threads; CPU time of the recording "
                   f"threads, and of the whole process with its writer thread. {ROUNDS * REPETITIONS} repetitions of {EVENTS:,} events. "
                   f"Events lost: {losses or 'none'}; LTTng discarded: {lost_lttng:,}.")
    beside = ", ".join(f"{n} {spread(samples[(n, 1)][0])[0]:.0f}" for n in
                       ("hand-written C, 256 KiB ring", "LTTng-UST tracepoint", "spdlog async, waits when full"))
    for mode in MODES.values():
        ours = samples.get((f"libtelemetry, {mode}", 1))
        cpu = f"; ours, CPU time: {spread(ours[1])[0]:.0f}" if ours else ""
        report.target(f"record, 5 attributes, 1 thread, {mode}", spread(ours[0])[0] if ours else None, 150, "ns", beside + cpu)


def report_allocations(report, library):
    rows = []
    wanted = [("hand-written C", "record-hand", {"BENCH_RING": place.WORK / "ring"}, 100_000),
              ("spdlog async", "record-spdlog", {"BENCH_LOG": place.WORK / "spdlog.log"}, 100_000)]
    with peers.black_hole() as endpoint:
        if library:
            dead = {"BENCH_MODE": "dead", "BENCH_ENDPOINT": endpoint}
            wanted[:0] = [("libtelemetry, within a segment", "record-telemetry", {}, 100),
                          ("libtelemetry, while the spool fills", "record-telemetry", {}, 100_000),
                          ("libtelemetry, dead sink, full spool", "record-telemetry", dead, 100_000)]
        for name, program, extra, events in wanted:
            # What an earlier process has left waiting would have to be removed, segment by segment.
            place.fresh_home()
            env = place.environment(LD_PRELOAD=place.PROGRAMS / "malloc_count.so", **extra)
            result, = place.run_json([place.PROGRAMS / program, "rate", 1, events, 1], env=env)
            rows.append([name, events, result["allocations"]])
    (place.WORK / "spdlog.log").unlink()
    report.section("Heap allocations of the recording thread", ["contestant", "events", "allocations"], rows,
                   "Calls of malloc, calloc, realloc, memalign, aligned_alloc and posix_memalign, counted by a preloaded library. "
                   "While the spool fills, each segment is a new file.")
    report.target("heap allocations, 100,000 events", rows[2][2] if library else None, 0, "calls")


def report_latency(report, library):
    rows, p999 = [], None
    with peers.black_hole() as endpoint:
        wanted = [("empty loop (timer and machine noise)", "record-empty", {}),
                  ("hand-written C, 256 KiB ring", "record-hand", {"BENCH_RING": place.WORK / "ring"})]
        if library:
            wanted[:0] = [("libtelemetry, dead sink, full spool", "record-telemetry",
                           {"BENCH_MODE": "dead", "BENCH_ENDPOINT": endpoint}),
                          ("libtelemetry, full spool, no delivery", "record-telemetry", {"BENCH_MODE": "spool"})]
        for name, program, extra in wanted:
            for events, pause in ((1_000_000, 0), (100_000, 5_000)):
                runs = [place.run_json([place.PROGRAMS / program, "latency", events, pause], env=place.environment(**extra))[0]
                        for _ in range(3)]
                figures = [spread([r[key] for r in runs])[0] for key in ("p50", "p99", "p999", "p9999", "max")]
                rows.append([name, pause, events, *[round(f) for f in figures]])
                if name.startswith("libtelemetry, dead") and pause == 0:
                    p999 = figures[2] / 1000
    report.section("A single call", ["contestant", "pause between, ns", "calls", "p50, ns", "p99", "p99.9", "p99.99", "max"],
                   rows, "Each call between two rdtscp, whose own cost (the empty loop's p50) is not subtracted; median of three runs.")
    noise = next(row[5] for row in rows if row[0].startswith("empty"))
    report.target("record p99.9, dead sink, full spool", p999, 10, "µs", f"empty loop {noise / 1000:.2f} µs")


def report_disabled(report, library):
    programs = [("an empty function of a shared library", "disabled-floor"), ("an empty function, no PLT", "disabled-floor-noplt"),
                ("the loop alone", "record-empty")]
    if library:
        programs[:0] = [("NULL collector", "disabled-null"), ("the user has not agreed", "disabled-off"),
                        ("NULL collector, no PLT", "disabled-null-noplt"),
                        ("the user has not agreed, no PLT", "disabled-off-noplt")]
    samples = {name: [] for name, _ in programs}
    for _ in range(5):
        for name, program in programs:
            result, = place.run_json([place.PROGRAMS / program, "rate", 1, 20_000_000, 1])
            samples[name] += result["ns"]
    rows = [[name, *spread(values), min(values)] for name, values in samples.items()]
    report.section("A call that records nothing", ["contestant", "ns per call", "lower quartile", "upper quartile", "best"],
                   [[r[0], *[f"{v:.2f}" for v in r[1:]]] for r in rows],
                   "The empty function is what the machine and the dynamic linker take for any call into a library. "
                   "No PLT: the caller is compiled with -fno-plt.")
    floor = next(row[1] for row in rows if row[0] == programs[-3][0])
    for name in ("NULL collector", "the user has not agreed"):
        report.target(f"disabled call, {name}", spread(samples[name])[0] if library else None, 2, "ns",
                      f"empty function {floor:.2f}")
