"""Every block of code is compiled, run, checked or listed in skipped.tsv."""
import os

from document import executed
from kinds import build_files, c, data, languages, shell
from suite import Failed, Skipped, Test, check_equal

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {"c": c.check, "cpp": c.check, "sh": shell.check, "console": shell.check_session, "text": shell.check_text, "python": languages.check_python,
         "rust": languages.check_rust, "js": languages.check_javascript, "yaml": data.check_yaml,
         "json": data.check_json, "make": build_files.check_make, "cmake": build_files.check_cmake}
MARKS = ("skip", "file", "terminal", "output-of")


def skipped_list():
    """{name of a block: reason}"""
    with open(os.path.join(HERE, "..", "skipped.tsv"), encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]
    return dict(line.split("\t") for line in lines)


def reason(block):
    """Why it is skipped; None: it is not."""
    words = block.marked("skip")
    if words is not None and not words.startswith("because "):
        raise Failed("expected <!-- test: skip because REASON -->")
    return words and words.removeprefix("because ")


def block_test(block):
    def body(worlds):
        if block.mark and block.mark.split(" ")[0] not in MARKS:
            raise Failed(f"unknown mark {block.mark!r}; expected one of {', '.join(MARKS)}")
        if reason(block):
            raise Skipped(reason(block))
        if block.info not in KINDS:
            raise Failed(f"unknown info string {block.info!r}; expected one of {', '.join(KINDS)}")
        world = worlds.of(block.document.path)
        if block.marked("file"):
            world.file(block.marked("file"), block.text)
        KINDS[block.info](world, block)
    return Test(block.name, "I", f"line {block.line}", body)


def list_test(blocks):
    def body(_):
        found = {block.name: reason(block) for block in blocks if reason(block)}
        check_equal(skipped_list(), found, "blocks that are skipped, and why")
        return f"{len(found)} of {len(blocks)} blocks skipped"
    return Test("blocks/skipped", "I", "only what skipped.tsv lists is skipped, and all of that", body)


def tests(worlds):
    blocks = [block for document in executed(worlds.root) for block in document.blocks()]
    return [block_test(block) for block in blocks] + [list_test(blocks)]
