"""Where things are, and how programs are run."""
import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "benchmarks" / "src"
BUILD = ROOT / "build"
WORK = BUILD / "bench"
PROGRAMS = WORK / "bin"
HOME = WORK / "home"


def environment(installed=False, **extra):
    """What the measured programs see: nothing of the caller's but PATH, a home of their own, and
    the user's consent for every tool but "bench-off". `installed`: they find the library by themselves."""
    base = {
        "PATH": f"{BUILD / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "HOME": str(HOME),
        "LC_ALL": "C",
    }
    if not installed:
        base["LD_LIBRARY_PATH"] = str(BUILD / "lib")
    base.update({f"{tool}_TELEMETRY_ENABLED": "1" for tool in ("BENCH", "BENCH_FILE", "BENCH_LEAVE", "BENCH_DETACHED", "BENCH_DEAD")})
    base.update({name: str(value) for name, value in extra.items()})
    return base


def fresh_home():
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True, mode=0o700)


def run(arguments, timeout=120, **options):
    """Runs a program to its end; its output. Raises with its error text when it fails."""
    options.setdefault("env", environment())
    done = subprocess.run([str(a) for a in arguments], cwd=WORK, text=True, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def run_json(arguments, **options):
    return [json.loads(line) for line in run(arguments, **options).splitlines()]
