"""Two builds of the library and the helper, ours and another one, paired: what each figure became.

Each figure is measured by turns, in pairs whose order alternates, on the same programs. The ratio of a pair says what the
machine was like for neither; the table has the median of the ratios, and its quartiles for how much of it is noise."""
import pathlib
import shutil
import statistics

from . import delivery, peers, place, privacy, process, toolchain
from .report import spread

LIMIT = 1.02
PAIRS = 21


class Build:
    """Where a library and a helper are: build/ has lib/ and bin/, an archive of a release may be flat."""

    def __init__(self, name, directory):
        self.name, root = name, pathlib.Path(directory).resolve()
        self.library = next((path for path in (root / "lib/libtelemetry.so.0", root / "libtelemetry.so.0") if path.exists()), None)
        self.helper = next((path for path in (root / "bin/telemetry", root / "telemetry") if path.exists()), None)
        if self.library is None or self.helper is None:
            raise SystemExit(f"no libtelemetry.so.0 and telemetry in {directory}")
        self.program = place.PROGRAMS / f"process-telemetry-{name}"
        shutil.copy(place.PROGRAMS / "process-telemetry", self.program)
        toolchain.need_library(self.program, self.library)

    def environment(self, **extra):
        return place.environment(LD_LIBRARY_PATH=self.library.parent, **extra)

    def run(self, *command, **extra):
        result, *others = place.run_json([place.PROGRAMS / command[0], *command[1:]], env=self.environment(**extra))
        return [result, *others] if others else result


def median(values):
    return statistics.median(values)


def paired(builds, measure, pairs=PAIRS):
    """{figure: ratios of ours to the other's}; `measure` gives {figure: value} of one build."""
    ratios = {}
    for number in range(pairs):
        taken = {}
        for build in builds if number % 2 else builds[::-1]:
            place.fresh_home()
            taken[build] = measure(build)
        ours, other = (taken[build] for build in builds)
        for figure, value in ours.items():
            ratios.setdefault(figure, []).append(value / other[figure])
    return ratios


def recording(mode, threads, events):
    # Processor time: on two processors eight threads are measured with whatever else runs.
    return lambda build: {f"record, {threads} thread{'s'[:threads - 1]}, {mode}": build.run(
        "record-telemetry", "rate", threads, events, 3, BENCH_MODE=mode)["caller_cpu_ns"]}


def disabled(build):
    return {f"disabled call, {name}": min(build.run(f"disabled-{name}", "rate", 1, 5_000_000, 3)["ns"]) for name in ("null", "off")}


def programs(build):
    contestants = [(mode, [build.program, f"bench-{mode}"]) for mode in ("file", "leave", "off")]
    contestants.append(("track", [build.helper, "track", "build", "--tool", "bench", "--property", "files:int=3"]))
    return {f"whole process, {name}": each["us"] for name, each in process.spawn(60, contestants).items()}


def delivering(server, kind, compression):
    def measure(build):
        target = place.WORK / "lines.jsonl" if kind == "file" else server.url
        result = build.run("deliver-telemetry", 200_000, kind, target, compression)
        (place.WORK / "lines.jsonl").unlink(missing_ok=True)
        return {f"delivery, {delivery.label(kind, compression)}, processor time": result["user_s"] + result["system_s"],
                f"delivery, {delivery.label(kind, compression)}, time": 1 / result["events_per_s"]}
    return measure


def deciding(build):
    privacy.write_config()
    plain = build.run("privacy", "consent", 100, BENCH_TELEMETRY_ENABLED=1)["ns"][1:]
    asked = {name: value for name, value in build.environment().items() if not name.endswith("_TELEMETRY_ENABLED")}
    full, = place.run_json([place.PROGRAMS / "privacy", "consent", 100, place.WORK / "consent.yaml"], env=asked)
    return {"consent, nothing configured": median(plain), "consent, manifest and config": median(full["ns"][1:]),
            "consent, manifest and config, the first": full["ns"][0] + full["loading_ns"]}


def checking(build):
    (place.WORK / "events.yaml").write_text(privacy.EVENTS)
    return {"record, registry of 20": median(build.run("privacy", "registry", 100_000, place.WORK / "events.yaml")["ns"][1:])}


def redacting(build):
    return {f"redact 1 MiB, {each['text']}": median(each["ns"]) for each in build.run("privacy", "redact", 1 << 20, 5)}


def measurements(server):
    """(what measures, pairs): a pair of the longer ones says more."""
    for mode in ("spool", "noop", "file"):
        yield recording(mode, 1, 200_000), PAIRS
    yield recording("spool", 8, 100_000), PAIRS
    for measure in (disabled, programs, deciding, checking):
        yield measure, PAIRS
    yield redacting, 9
    for kind, compression in delivery.CONTESTANTS:
        yield delivering(server, kind, compression), 9


def report_against(report, directory):
    builds = [Build("ours", place.BUILD), Build("other", directory)]
    ratios = {}
    with delivery.nginx() as server:
        for measure, pairs in measurements(server):
            ratios.update(paired(builds, measure, pairs))
    rows = []
    for figure, values in ratios.items():
        middle, low, high = spread(values)
        rows.append([figure, f"{middle:.3f}", f"{low:.3f}–{high:.3f}", len(values), "met" if middle <= LIMIT else "MISSED"])
    sizes = [build.library.stat().st_size for build in builds]
    rows.append(["size of the library", f"{sizes[0] / sizes[1]:.3f}", f"{sizes[0]:,} and {sizes[1]:,} bytes", 1, ""])
    report.section(f"Against {directory}", ["figure", "ours / other", "quartiles", "pairs", f"≤ {LIMIT}"], rows, "Below 1 is better.")
