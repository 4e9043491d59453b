"""The library's size, what it loads, and how fast it delivers."""
import os
import shutil
import subprocess

from . import place
from .report import spread


def report_size(report):
    library = place.BUILD / "lib" / "libtelemetry.so"
    stripped = place.WORK / "libtelemetry.stripped.so"
    subprocess.run(["strip", "--strip-unneeded", "-o", str(stripped), str(library)], check=True)
    size = stripped.stat().st_size
    dynamic = subprocess.run(["readelf", "--dynamic", "--wide", str(library)], check=True, text=True, stdout=subprocess.PIPE).stdout
    needed = [line.split("[")[1].rstrip("]") for line in dynamic.splitlines() if "(NEEDED)" in line]
    loaded = subprocess.run(["ldd", str(library)], check=True, text=True, stdout=subprocess.PIPE).stdout
    loaded = [line.split()[0].rsplit("/", 1)[-1] for line in loaded.splitlines()]
    report.section("The library", ["what", "value"], [["stripped, bytes", size], ["needs at start", ", ".join(needed) or "nothing"],
                   ["loaded with it", ", ".join(loaded)]])
    report.target("stripped library", size / 1024, 400, "KiB", f"needs {', '.join(needed)}")


def report_delivery(report, library, events=60_000, rounds=5):
    """Events wait in the spool; then one flush writes them to the JSON Lines file."""
    samples = {}
    for _ in range(rounds):
        output = place.WORK / "lines.jsonl"
        result, = place.run_json([place.PROGRAMS / "json-lines", events * 10, output])
        samples.setdefault("fprintf of the same line, no spool", []).append(result["events_per_s"])
        output.unlink()
        if library:
            shutil.rmtree(place.HOME, ignore_errors=True)
            place.HOME.mkdir(parents=True, mode=0o700)
            result, = place.run_json([place.PROGRAMS / "deliver-telemetry", events, output])
            samples.setdefault("libtelemetry, spool to file", []).append(result["events_per_s"])
            if (lines := count_lines(output)) != events:
                raise RuntimeError(f"{lines} lines delivered, expected {events}")
            output.unlink()
    rows = [[name, *[round(v) for v in spread(values)]] for name, values in sorted(samples.items(), reverse=True)]
    report.section("Delivery to a JSON Lines file", ["contestant", "events per s", "lower quartile", "upper quartile"], rows)


def count_lines(path):
    with open(path, "rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
