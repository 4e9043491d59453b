"""The library's size, and what it loads."""
import subprocess

from . import place


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
    report.target("stripped library", size / 1024, 460, "KiB", f"needs {', '.join(needed)}")
