"""The cases, as cases.tsv says them; its first lines document the form."""
import re

import suite

SOURCES = ["options", "author gate", "admin policy", "DO_NOT_TRACK", "all-tools TELEMETRY_ENABLED", "OTEL_SDK_DISABLED", "no-telemetry option", "NO_TELEMETRY variable", "force",
           "TELEMETRY_ENABLED variable", "invoking user", "all-tools preference", "preference file", "project config",
           "tool config", "CI", "default"]
OWN_SOURCES = ["options", "author gate", "admin policy", "OTEL_SDK_DISABLED", "no-telemetry option", "NO_TELEMETRY variable",
               "own.yaml", "machine's own.yaml", "OTEL variables", "operator", "default"]
FILES = ["preference", "all", "notice", "config", "config.json", "config.bare", "project", "project.json", "policy", "caller", "caller-all",
         "own", "machine-own"]
KINDS = ["directory", "fifo", "symlink", "foreign", "writable", "dangling", "unmounted", "below-a-file"]
FLAGS = ["force", "no-telemetry", "local-only", "local-key", "library-only", "helper-only", "operator-metrics"]
VALUES = ["stance", "gate", "key", "project-key", "notice-version", "tool"]


class Case:
    """`variables`, `files` (name → (kind, bytes)) and `options`, and what must come of them."""

    def __init__(self, name, rows, given, enabled, source, local_only, warning):
        self.name, self.rows, self.given = name, rows, given
        self.is_own = enabled.startswith("own:")
        self.enabled, self.source = {"on": True, "off": False}[enabled.removeprefix("own:")], source
        self.local_only = {"yes": True, "no": False, "-": None}[local_only]
        # Parts of the only warning; [] for none, None for whatever.
        self.warning = {"-": None, "none": []}.get(warning, warning.split(" | "))
        self.variables, self.files, self.options = {}, {}, {}
        for item in filter(None, given.split(" ; ")):
            self._take(item)

    def _take(self, item):
        key, _, text = item.partition("=")
        if key.startswith("$"):
            self.variables[key[1:].encode()] = unescape(text)
            return
        name, _, kind = key.partition(":")
        if name in FILES and (not kind or kind in KINDS):
            self.files[name] = (kind, unescape(text))
        elif key in FLAGS + VALUES:
            self.options[key] = unescape(text).decode()
        else:
            raise SystemExit(f"cases.tsv: {self.name}: what is '{item}'?")


def unescape(text):
    """`\\n`, `\\t`, `\\s` (a space), `\\xHH`, and `{TEXT*N}` for N times TEXT."""
    text = re.sub(r"\{([^{}]*)\*(\d+)\}", lambda found: found[1] * int(found[2]), text).encode()
    simple = {b"n": b"\n", b"t": b"\t", b"s": b" ", b"\\": b"\\"}
    return re.sub(rb"\\(x[0-9a-f]{2}|[nts\\])", lambda found: simple.get(found[1]) or bytes.fromhex(found[1][1:].decode()), text)


def read(path):
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    wrong = [row for row in rows if len(row) != 7]
    if wrong:
        raise SystemExit(f"cases.tsv: not seven columns: {wrong[0]}")
    return [Case(*row) for row in rows]


def check(cases):
    suite.check(len(cases) >= 150, f"{len(cases)} cases")
    names = [case.name for case in cases]
    suite.check_equal(len(names), len(set(names)), "names")
    suite.check_equal(set(SOURCES), {case.source for case in cases if not case.is_own}, "sources that win")
    suite.check_equal(set(OWN_SOURCES) - {"options"}, {case.source for case in cases if case.is_own},
                      "sources that win for receivers of the user's own")
    return f"{len(cases)} cases"
