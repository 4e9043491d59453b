"""docs/backends.md says what can be done."""
import os
import re

from cases.mapping import known_kinds
from suite import check, check_equal, test


def text():
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "..", "docs", "backends.md")) as file:
        return file.read()


@test("documents/sections", "F")
def sections(stage):
    """Every backend has a row in the table, and a section with a manifest, its limits, and what it cannot do."""
    kinds = known_kinds(stage)
    top, *sections = re.split(r"^## ", text(), flags=re.MULTILINE)
    rows = re.findall(r"^\| \[?`(\w+)`", top, re.MULTILINE)
    check_equal((kinds, len(kinds)), (set(rows), len(rows)), "rows of the table")
    described = {}
    for section in sections:
        kind = re.search(r"^backend:\n  kind: (\w+)$", section, re.MULTILINE)
        if kind:
            described[kind[1]] = section
    check_equal(kinds, set(described), "sections")
    for kind, section in described.items():
        for word in ("**Limits**", "**Cannot**"):
            check(word in section, f"the section on {kind} has no {word}")
