"""What privacy costs: the decision on consent, the registry of events, redaction."""
from . import place
from .report import spread

MANIFEST = """tool: {name: bench}
config: {file: bench/config.yaml, key: telemetry.enabled, project_file: .bench.yaml}
"""
CONFIG = "".join(f"section{i}:\n  key: value {i}\n  list: [1, 2, 3]\n" for i in range(20)) + "telemetry:\n  enabled: true\n"
EVENTS = """tool: {name: bench}
events:
  build:
    description: A build.
    attributes:
      target: {type: string, description: Target triple., max_length: 64}
      compiler: {type: string, description: Compiler., enum: [gcc-12, gcc-13, clang-17]}
      files: {type: int, description: Number of files., min: 0}
      seconds: {type: double, description: Duration., min: 0}
      cached: {type: bool, description: From the cache.}
""" + "".join(f"  other.{i}: {{description: Another event.}}\n" for i in range(19))


def report_privacy(report, library):
    if not library:
        return
    report_consent(report)
    report_registry(report)
    report_redaction(report)


def write_config():
    """The manifest, the tool's config and the project's, where the programs look for them."""
    (place.HOME / ".config/bench").mkdir(parents=True, exist_ok=True)
    (place.HOME / ".config/bench/config.yaml").write_text(CONFIG)
    (place.WORK / ".bench.yaml").write_text(CONFIG)
    (place.WORK / "consent.yaml").write_text(MANIFEST)


def report_consent(report):
    write_config()
    # With no answer for the process, so that every source is asked.
    environment = {name: value for name, value in place.environment().items() if not name.endswith("_TELEMETRY_ENABLED")}
    rows = []
    for name, arguments, extra in [("nothing configured", [], {"BENCH_TELEMETRY_ENABLED": "1"}),
                                   ("manifest, the tool's config, the project's", [place.WORK / "consent.yaml"], {})]:
        runs = [place.run_json([place.PROGRAMS / "privacy", "consent", 200, *arguments], env={**environment, **extra})[0] for _ in range(15)]
        first = spread([run["ns"][0] / 1000 for run in runs])[0]
        again = spread([value / 1000 for run in runs for value in run["ns"][1:]])[0]
        loading = spread([run["loading_ns"] / 1000 for run in runs])[0]
        rows.append([name, f"{first:.1f}", f"{again:.1f}", f"{loading:.1f}"])
    report.section("Deciding whether to record", ["configuration", "first telemetry_open(), µs", "later ones", "options and manifest"], rows,
                   "libyaml is loaded with the manifest.")
    report.target("consent with manifest and config", first, 150, "µs", f"nothing configured {rows[0][1]} µs")


def report_registry(report):
    (place.WORK / "events.yaml").write_text(EVENTS)
    samples = {"no registry": [], "20 events": []}
    for _ in range(5):
        for name, arguments in [("no registry", []), ("20 events", [place.WORK / "events.yaml"])]:
            result, = place.run_json([place.PROGRAMS / "privacy", "registry", 100_000, *arguments])
            samples[name] += result["ns"][1:]
    rows = [[name, *[f"{value:.1f}" for value in spread(values)]] for name, values in samples.items()]
    report.section("Checking events against the registry", ["registry", "ns per event", "lower quartile", "upper quartile"], rows,
                   "Five attributes, one of them with an enum, into a full spool.")


def report_redaction(report, size=1 << 20):
    results = place.run_json([place.PROGRAMS / "privacy", "redact", size, 15])
    rows = [[each["text"], *[f"{value / 1e6:.2f}" for value in spread(each["ns"])]] for each in results]
    report.section("Redacting an argument of 1 MiB", ["text", "ms", "lower quartile", "upper quartile"], rows)
    report.target("redacting 1 MiB", max(spread(each["ns"])[0] for each in results) / 1e6, 50, "ms", "the slowest of four texts")
