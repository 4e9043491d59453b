"""Programs in Python, Rust and JavaScript. Python is always at hand; the others are skipped by their block's name where they are not."""
import os
import shutil
import subprocess
import time

from kinds import shell
from suite import Failed, Skipped


def need(program, **variables):
    """The program, if it can be run here: a name in PATH may be that of a tool which would first have to fetch it."""
    found = shutil.which(program)
    if not found or subprocess.run([found, "--version"], env={**os.environ, **variables}, capture_output=True).returncode != 0:
        raise Skipped(f"needs {program}")
    return found


def recorded(world):
    """The names of events, and of spans by the log."""
    return len(shell.recorded(world))


def check_tracks(world, block, before, track):
    """A program that says that it tracks has recorded. The helper may still be running."""
    end = time.monotonic() + 10
    while track in block.text and recorded(world) <= before:
        if time.monotonic() > end:
            raise Failed("it has recorded no event")
        time.sleep(0.1)


def check_python(world, block):
    """`python`: with the binding and the packages of scripts/requirements.txt; a text block behind it is what it prints."""
    python = os.path.join(world.worlds.root, "build", "venv", "bin", "python3")
    before = recorded(world)
    world.output = world.run([python, "-W", "error::SyntaxWarning", "-c", block.text])
    if "Backend" not in block.text:
        check_tracks(world, block, before, "telemetry.track(")


def check_rust(world, block):
    """`rust`: compiled with all warnings as errors, linked with what is installed, and run."""
    compiler = need("rustc")
    path = world.file("block.rs", block.text)
    # The compiler's own files are in the home of who runs the tests.
    world.run([compiler, "--edition", "2021", "-D", "warnings", "-L", f"native={world.worlds.prefix}/lib", "-o", "block-rs", path],
              HOME=os.environ.get("HOME", "/"))
    before = recorded(world)
    world.output = world.run([world.file("block-rs")])
    check_tracks(world, block, before, "telemetry_track(")


def check_javascript(world, block):
    """`js`: run by Node.js."""
    node = need("node")
    before = recorded(world)
    world.output = world.run([node, world.file("block.js", block.text)])
    check_tracks(world, block, before, "track(")
