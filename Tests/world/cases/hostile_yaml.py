"""A file of 1 MiB in the working directory that its author has made to be slow: libyaml compares each `%TAG` directive with all before it,
and each token with every flow collection that is open. Elsewhere one such file held up every run for a quarter of a minute."""
import os
import subprocess
import tempfile

from suite import check, check_equal, test
from world import BUILD, TOOL

LIMIT = 1 << 20


def filled(text, begin=""):
    return (begin + text * (LIMIT // len(text) + 1))[:LIMIT - 1]


SLOW = {
    "directives": "".join(f"%TAG !a{i}! tag:x\n" for i in range(45000)),
    "directives, carriage returns": "".join(f"%TAG !a{i}! tag:x\r" for i in range(45000)),
    "directives of a second document": "a: b\n...\n" + "".join(f"%TAG !a{i}! tag:x\n" for i in range(45000)),
    "tags of many directives": filled("- !a7999!x y\n", "".join(f"%TAG !a{i}! tag:x\n" for i in range(8000)) + "---\n"),
    "unknown directives": filled("%FOO bar\n"),
    "open sequences": filled("["), "open mappings": filled("{"), "open sequences, a line each": filled("[\n"), "keys in open sequences": filled("a,", "[" * 20000),
    "pairs in open sequences": filled("a: b,", "[" * 20000), "pairs in 60 open sequences": filled("a: b,", "[" * 60), "explicit keys": filled("[? "),
    "block sequences in a line": filled("- "), "aliases": filled("- *a\n", "- &a b\n"), "a long key": "a" * (LIMIT - 10) + ": b\n",
    "a long anchor": "&" + "a" * (LIMIT - 10) + " x", "escapes": filled("\\u00fc", 'a: "') + '"', "comments": filled("#\n"), "blank lines": filled("\n"),
    "folded lines": filled("  x\n", "a: >\n"), "documents": filled("---\n"), "pairs": filled("a: b\n"),
}


def seconds(world, content):
    """Of the processor, to explain with that project's config; the best of three."""
    with open(world.path("slow.yaml"), "w", newline="") as file:
        file.write(content)
    times = []
    for _ in range(3):
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen([f"{BUILD}/bin/telemetry", "explain", "--tool", TOOL], env=world.environment, cwd=world.root, stdout=out,
                                       stderr=out, stdin=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            check_equal(0, process.returncode, "exit code of explain")
        times.append(usage.ru_utime + usage.ru_stime)
        if times[-1] < 0.1:
            break
    return min(times)


@test("hostile-yaml/project", "A9")
def project(world):
    """No file of the size limit costs more than the largest honest one by a few tenths of a second."""
    os.remove(world.path("home", ".config", "telemetry", TOOL, "enabled"))
    world.manifest("http://127.0.0.1:9/", {"config": {"file": "a.yaml", "key": "telemetry.enabled", "project_file": "slow.yaml"}})
    usual = seconds(world, "telemetry: {enabled: true}\n")
    slow = {name: round(seconds(world, content) - usual, 3) for name, content in SLOW.items()}
    check(max(slow.values()) < 0.5, f"seconds beyond {usual:.3f}: {slow}")


@test("hostile-yaml/directives", "A9")
def directives(world):
    """64 `%TAG` directives are taken, 65 are off with a reason that names them; a text that only mentions them is no directive."""
    os.remove(world.path("home", ".config", "telemetry", TOOL, "enabled"))
    world.manifest("http://127.0.0.1:9/", {"config": {"file": "a.yaml", "key": "telemetry.enabled"}})
    for count, expected in ((64, "on"), (65, "more than 64 %TAG directives")):
        with open(world.path("home", ".config", "a.yaml"), "w") as file:
            file.write("".join(f"%TAG !a{i}! tag:x\n" for i in range(count)) + "---\ntelemetry: {enabled: true}\n" + "# %TAG\n" * 100)
        text = world.helper("explain")
        check(expected in text and ("more than" in text) == (count > 64), f"{count} directives: {text}")
        check_equal(count == 64, world.helper("explain", "--json").startswith('{"tool":"itest","enabled":true'), f"{count} directives")
