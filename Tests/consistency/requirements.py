#!/usr/bin/env python3
"""The codes of requirements in comments and tests, against docs/requirements.md.

usage: requirements.py ROOT      prints what is used and not listed, or listed and not used
"""
import glob
import os
import re
import sys

CODE = r"[A-L]\d{1,2}"
#: Where a test names what it checks.
TAGS = [re.compile(pattern, re.MULTILINE) for pattern in (
    r"""@test\(\s*f?"[^"]*",\s*"([^"]*)""",                     # @test("name", "E7 E12")
    r"""^\s*test\(f?"[^"]*",\s*"([^"]*)""",                     # test(f"name", "E7")(body)
    r"""\bTest\(f?"[^"]*",\s*"([^"]*)""",                       # Test("name", "I", …)
    r"""@test\("(I) """,                                        # @test("I the pages …")
    r"""^\s*(?:test_case|scenario) "((?:[A-L]\d{0,2} )+)""",    # test_case "A15 B2 a preference …"
    r"""^\s*\{"[\w/-]+", "([\w -]+)", "[^"]+", \w+\},$""",         # {"name", "E10 E12", "drop …", function},
)]
COMMENT = re.compile(r"(?:^|\s)(?://+|/\*|\*|#+)\s(.*)|\"\"\"(.*)")
#: A promise of docs/privacy.md; Tests/documents holds those.
PROMISE = re.compile(r"P\d+")
#: In comments, what looks like a code and is none: control characters, the language.
OTHERS = {"C0", "C99"}


def listed(root):
    """The first column of every table of the key."""
    text = open(os.path.join(root, "docs/requirements.md"), encoding="utf-8").read()
    return [code for code in re.findall(r"^\| ([\w-]+) \|", text, re.MULTILINE) if code != "code"]


def files(root, *patterns):
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(root, pattern), recursive=True)):
            if os.path.isfile(path) and "/__pycache__/" not in path:
                yield path, open(path, encoding="utf-8", errors="replace").read()


def used(root):
    """{code: where it was found first}"""
    found = {}

    def add(code, path):
        if re.fullmatch(r"[\w-]+", code) and not PROMISE.fullmatch(code) and code not in OTHERS:
            found.setdefault(code, os.path.relpath(path, root))
    for path, text in files(root, "Tests/**/*.py", "Tests/**/*.sh", "Tests/**/*.c", "Tests/**/run"):
        for tag in (tag for pattern in TAGS for tags in pattern.findall(text) for tag in tags.split()):
            add(tag, path)
    for path, text in files(root, "Tests/conformance/cases.tsv"):
        for line in text.splitlines():
            if line and not line.startswith("#"):
                for tag in line.split("\t")[1].split():
                    add(tag, path)
    for path, text in files(root, "Sources/**/*.swift", "Sources/**/*.c", "Sources/**/*.h", "Tests/**/*.swift", "Tests/abi/*.c"):
        for comment in (a or b for line in text.splitlines() for a, b in COMMENT.findall(line)):
            # A code is followed by a mark, or stands in a list or at the end.
            for code in re.findall(rf"(?<![\w+&<]){CODE}(?=[:,.;)]|\s+(?:to|and|or)\b|$)", comment):
                add(code, path)
    return found


def problems(root):
    key, codes = listed(root), used(root)
    for code in sorted({code for code in key if key.count(code) > 1}):
        yield f"{code}: docs/requirements.md lists it twice"
    for code in sorted(set(codes) - set(key)):
        yield f"{code}: not in docs/requirements.md, used in {codes[code]}"
    for code in sorted(set(key) - set(codes)):
        yield f"{code}: in docs/requirements.md, and nothing uses it"


if __name__ == "__main__":
    found = list(problems(sys.argv[1]))
    print("\n".join(found) or "every code is listed and used")
    sys.exit(1 if found else 0)
