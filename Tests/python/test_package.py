"""The package: its types, and pip."""
import os
import shutil
import subprocess
import sys

from stage import BINDING, ROOT, VENV
from suite import Failed, check, check_equal, test


def said(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def mypy(stage, *paths):
    return [VENV, "-m", "mypy", "--strict", "--cache-dir", stage.path("mypy"), *paths]


@test("package/types", "I")
def types(stage):
    """mypy --strict finds nothing in the binding and in the examples, and finds a program's mistake."""
    environment = {**os.environ, "MYPYPATH": BINDING}
    said(mypy(stage, os.path.join(BINDING, "libtelemetry")))
    examples = os.path.join(ROOT, "examples", "python")
    for name in sorted(os.listdir(examples)):
        if name.endswith(".py"):
            said(mypy(stage, os.path.join(examples, name)), env=environment)
    with open(stage.path("wrong.py"), "w") as file:
        file.write('from libtelemetry import FEATURE_USED, Collector, Options\nwith Collector(Options("mytool", consent=True)) as telemetry:\n'
                   '    telemetry.track(FEATURE_USED, 5)\n    telemetry.track(FEATURE_USED, "x", key=[1])\n    telemetry.spam("x")\n')
    done = subprocess.run(mypy(stage, stage.path("wrong.py")), capture_output=True, text=True, env=environment)
    check_equal(["2", "3", "4", "5"], [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line], done.stdout)


@test("package/pip", "I")
def pip(stage):
    """pip makes a wheel of the tree without a network, and installs it into a fresh environment, with its types."""
    source = stage.path("source")
    shutil.copytree(BINDING, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    pip = [VENV, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    said([*pip, "wheel", "--no-index", "--no-build-isolation", "--no-deps", "--wheel-dir", stage.path("wheels"), source])
    [wheel] = os.listdir(stage.path("wheels"))
    check_equal("libtelemetry-0.1.0-py3-none-any.whl", wheel, "the wheel")
    said([sys.executable, "-m", "venv", stage.path("venv")])
    python = stage.path("venv", "bin", "python3")
    said([python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-index", stage.path("wheels", wheel)])
    environment = {name: value for name, value in stage.environment.items() if name != "PYTHONPATH"}
    where = said([python, "-c", "import libtelemetry as l; assert l.library.available; print(l.__file__)"], env=environment, cwd=stage.root).strip()
    check(where.startswith(stage.path("venv")), where)
    check(os.path.exists(os.path.join(os.path.dirname(where), "py.typed")), "no py.typed")
    shipped = {name for name in os.listdir(os.path.join(BINDING, "libtelemetry")) if not name.startswith("__pycache__")}
    check_equal(shipped, {name for name in os.listdir(os.path.dirname(where)) if not name.startswith("__pycache__")}, "files")
    check_equal("", said([python, "-m", "pip", "--disable-pip-version-check", "check", "--quiet"]).strip(), "pip check")


@test("package/names", "I")
def names(stage):
    """What the package exports is documented, and nothing else is public."""
    sys.path.insert(0, BINDING)
    import libtelemetry
    check_equal(sorted(libtelemetry.__all__), sorted(name for name in vars(libtelemetry) if not name.startswith("_") and name not in MODULES), "names")
    undocumented = [f"{kind.__name__}.{name}" for kind in (libtelemetry.Collector, libtelemetry.Command, libtelemetry.Metric, libtelemetry.Options,
                                                           libtelemetry.Series, libtelemetry.Span)
                    for name, member in vars(kind).items() if not name.startswith("_") and not getattr(member, "__doc__", None)]
    check_equal([], undocumented, "members without a comment")


MODULES = {"backend", "categories", "collector", "command", "enums", "metric", "options", "span", "statistics"}
