"""The release library under valgrind's memcheck and helgrind."""
import os

from sandbox import HERE, need
from suite import test

SUPPRESSIONS = os.path.join(HERE, "valgrind.supp")


def _valgrind(box, tool, program, *arguments, options=(), environment=None):
    need("valgrind")
    box.run(program, *arguments, timeout=240, environment=environment, wrapper=[
        "valgrind", f"--tool={tool}", "-q", "--error-exitcode=99", f"--suppressions={SUPPRESSIONS}", "--child-silent-after-fork=yes",
        "--fair-sched=yes", *options])


def _memcheck(box, program, *arguments, leaks=False):
    _valgrind(box, "memcheck", program, *arguments, options=(
        "--leak-check=full", "--errors-for-leak-kinds=definite,indirect") if leaks else ("--leak-check=no",))


def _register(program, name, tool):
    run = _memcheck if tool == "memcheck" else lambda box, *rest: _valgrind(box, "helgrind", *rest)

    def body(box):
        run(box, program, name)
    body.__doc__ = f"{program}/{name} under {tool}"
    test(f"{tool}/{program}-{name}", "host")(body)


for _program, _name in [("basics", "null-arguments"), ("basics", "bad-options"), ("basics", "statistics-size"),
                        ("events", "metadata"), ("events", "invalid-utf8"), ("events", "largest"), ("backends", "rejected"),
                        ("privacy", "extended-on"), ("drop", "erases"), ("drop", "processes"), ("fork", "parents-events"),
                        ("collectors", "two-tools"), ("collectors", "few-threads")]:
    _register(_program, _name, "memcheck")

for _program, _name in [("backends", "interval"), ("collectors", "few-threads"), ("collectors", "one-tool-twice"),
                        ("drop", "erases")]:
    _register(_program, _name, "helgrind")


def _register_plugins(name):
    def body(box):
        _valgrind(box, "memcheck", "plugins", name, options=("--leak-check=full", "--errors-for-leak-kinds=definite,indirect"),
                  environment={"ROUNDS": "5"})
    body.__doc__ = f"plugins/{name} under memcheck, five times"
    test(f"memcheck/plugins-{name}", "host")(body)


for _name in ("cycles", "cycles-with-worker"):
    _register_plugins(_name)


@test("memcheck/leaks", "host")
def leaks(box):
    """A whole run, with samples, rotation and delivery, leaks nothing."""
    box.consent()
    _memcheck(box, "host", "--sample", "--events", 200, "--segment", 8192, "--interval", 1, "--flush", 20000, "--close", 20000,
              leaks=True)


@test("memcheck/leaks-when-refused", "host")
def leaks_when_refused(box):
    """A run without consent leaks nothing."""
    _memcheck(box, "host", "--sample", "--events", 10, "--flush", 100, leaks=True)
