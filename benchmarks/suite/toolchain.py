"""Compiles the library and everything that is measured."""
import subprocess

from . import place

C = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-march=x86-64-v2"]
# How the caller reaches a function of a shared library: through the PLT, or straight through the GOT.
CALLS = [("", []), ("-noplt", ["-fno-plt"])]
# What is done to spans, and an event beside it.
SPANS = ["span", "event", "unsampled", "off"]
# The calls of metrics; the peer has no call by a metric's name.
METRICS = ["add", "observe", "lookup", "text", "name"]
CXX = ["g++", "-std=c++17", "-O2", "-Wall"]
OURS = [f"-I{place.BUILD / 'include'}", f"-L{place.BUILD / 'lib'}", "-ltelemetry"]


def pkg_config(option, name):
    return subprocess.run(["pkg-config", option, name], check=True, text=True, stdout=subprocess.PIPE).stdout.split()


def compile_program(compiler, name, sources, *flags):
    libraries = [flag for flag in flags if flag.startswith(("-l", "-L", "-Wl"))]
    others = [flag for flag in flags if flag not in libraries]
    command = [*compiler, *others, *[str(place.SOURCES / s) for s in sources], "-o", str(place.PROGRAMS / name), *libraries]
    subprocess.run(command, check=True, cwd=place.SOURCES)


def need_library(program, library):
    """The program loads this library, by its path."""
    needed = subprocess.run(["patchelf", "--print-needed", str(program)], check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    old = next(name for name in needed if "libtelemetry" in name)
    subprocess.run(["patchelf", "--replace-needed", old, str(library), str(program)], check=True)


def build_library():
    subprocess.run(["make", "-C", str(place.ROOT), "--no-print-directory"], check=True, stdout=subprocess.DEVNULL)


def build_peers():
    place.PROGRAMS.mkdir(parents=True, exist_ok=True)
    compile_program(C, "record-empty", ["record_empty.c"], "-pthread")
    compile_program(C, "record-hand", ["record_hand.c", "payload.c"], "-pthread")
    compile_program(C, "record-lttng", ["record_lttng.c", "lttng_provider.c", "payload.c"], "-I.", "-Wno-unused-parameter",
                    "-pthread", "-llttng-ust", "-ldl")
    compile_program(C, "record-tracef", ["record_lttng.c", "payload.c"], "-I.", "-DUSE_TRACEF", "-pthread", "-llttng-ust", "-ldl")
    subprocess.run([*C, "-c", "payload.c", "-o", str(place.PROGRAMS / "payload.o")], check=True, cwd=place.SOURCES)
    compile_program(CXX, "record-spdlog", ["record_spdlog.cpp", place.PROGRAMS / "payload.o"],
                    *pkg_config("--cflags", "spdlog"), "-pthread", *pkg_config("--libs", "spdlog"))
    for kind in METRICS[:-1]:
        compile_program(CXX, f"metrics-prometheus-{kind}", ["metrics_prometheus.cpp", place.PROGRAMS / "payload.o"], f"-DBENCH_{kind.upper()}",
                        "-Wno-unused-variable", "-pthread", *pkg_config("--libs", "prometheus-cpp-core"))
    compile_program(C, "json-lines", ["json_lines.c", "payload.c"])
    compile_program(C, "libnothing.so", ["nothing.c"], "-shared", "-fPIC")
    compile_program(C, "malloc_count.so", ["malloc_count.c"], "-shared", "-fPIC")
    for suffix, flags in CALLS:
        compile_program(C, f"disabled-floor{suffix}", ["disabled.c"], "-DBENCH_FLOOR", *flags, "-pthread",
                        f"-L{place.PROGRAMS}", "-lnothing", "-Wl,-rpath,$ORIGIN")
    compile_program(C, "process-empty", ["process_empty.c"])
    compile_program(C, "spawn", ["spawn.c"], "-static")
    compile_program(C, "load", ["load.c"])


def build_ours():
    compile_program(C, "record-telemetry", ["record_telemetry.c", "payload.c"], "-pthread", *OURS)
    for suffix, flags in CALLS:
        compile_program(C, f"disabled-null{suffix}", ["disabled.c"], *flags, "-pthread", *OURS)
        compile_program(C, f"disabled-off{suffix}", ["disabled.c"], "-DBENCH_OFF", *flags, "-pthread", *OURS)
    for kind in METRICS:
        compile_program(C, f"metrics-telemetry-{kind}", ["metrics_telemetry.c", "payload.c"], f"-DBENCH_{kind.upper()}", "-pthread", *OURS)
    for kind in SPANS:
        compile_program(C, f"spans-telemetry-{kind}", ["spans_telemetry.c", "payload.c"], f"-DBENCH_{kind.upper()}", "-pthread", *OURS)
    compile_program(C, "process-telemetry", ["process_telemetry.c", "payload.c"], *OURS)
    # Found by its path, as the loader's cache finds an installed library: LD_LIBRARY_PATH and RUNPATH cost some
    # thirty attempts to open it in directories that do not exist.
    need_library(place.PROGRAMS / "process-telemetry", place.BUILD / "lib/libtelemetry.so.0")
    compile_program(C, "privacy", ["privacy.c"], *OURS)
    compile_program(C, "deliver-telemetry", ["deliver_telemetry.c", "payload.c"], *OURS)
