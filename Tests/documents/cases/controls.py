"""The same looks find what is wrong: each of these blocks, links, names, messages and promises is refused."""
import os

from cases import blocks, links, messages, names, promises
from document import Document
from kinds import shell
from suite import Failed, Test, check

#: What is wrong, and a document of one block with it.
BLOCKS = [
    ("no info string", "```\ntext\n```"),
    ("indented", "text\n\n    indented\n"),
    ("unknown info string", "```perl\nprint 1\n```"),
    ("unknown mark", "<!-- test: sikp because -->\n```sh\ntrue\n```"),
    ("C with a warning", "```c\nint unused;\n```"),
    ("C of an unknown function", "```c\ntelemetry_trak(telemetry);\n```"),
    ("C that breaks its options", '```c\ntelemetry_options_set_helper(options, "relative");\n```'),
    ("a program that ends with 1", "```c\nint main(void)\n{\n    return 1;\n}\n```"),
    ("a function that does not compile", "```c\nstatic int half(void)\n{\n    return x;\n}\n```"),
    ("C++ with a warning", "```cpp\nint unused;\n```"),
    ("a command that fails", "```sh\nfalse\ntrue\n```"),
    ("an option that is none", "```sh\ntelemetry track x --tool mytool --propery a=b\n```"),
    ("an event that is not recorded", "```sh\nMYTOOL_NO_TELEMETRY=1 telemetry track x --tool mytool\n```"),
    ("a target that is none", "```sh\nsudo make instal\n```"),
    ("output that is another", "```console\n$ telemetry version\ntelemetry 9.9.9\n```"),
    ("output that is longer", "```console\n$ printf 'a\\nb\\n'\na\n```"),
    ("output that is missing", "```console\n$ true\na\n```"),
    ("text of nobody's", "```text\nhello\n```"),
    ("text that is not the output", "```sh\necho hello\n```\n\n```text\ngood bye\n```"),
    ("Python that fails", "```python\nraise ValueError\n```"),
    ("Python that says it tracks", "```python\n# telemetry.track(\n```"),
    ("Rust with a warning", "```rust\nfn main() {\n    let unused = 1;\n}\n```"),
    ("JavaScript that fails", "```js\nthrow new Error();\n```"),
    ("Python that prints something else", "```python\nprint(1)\n```\n\n```text\n2\n```"),
    ("text that is not what a command prints", "<!-- test: output-of echo hello -->\n```text\ngood bye\n```"),
    ("a synopsis with an option that is none", "```text\ntelemetry show [--sents]\n```"),
    ("a synopsis of a command that is none", "```text\ntelemetry sho\n```"),
    ("a manifest with a mistake", "```yaml\ntool: {name: mytool}\nenabeld: true\n```"),
    ("JSON that does not parse", '```json\n{"seq":7,}\n```'),
    ("a record of no kind", '```json\n{"a":1}\n```'),
    ("a record with a member too many", '```json\n{"version":1,"last_ns":1,"more":2}\n```'),
    ("a Makefile that builds nothing", "```make\nCFLAGS += -include absent.h\n```"),
]
if os.geteuid() == 0:
    BLOCKS.append(("a policy with a mistake", "```yaml\ntelemetry: perhaps\n```"))


def parsed(text):
    """A document that is no file."""
    document = Document.__new__(Document)
    document.path, document.text = "control.md", text
    document.parse()
    return document


def refuses(what, body, argument):
    try:
        body(argument)
    except Failed:
        return
    raise Failed(f"{what}: not found")


def block_control(what, text):
    def body(worlds):
        *before, last = parsed(text).blocks()
        for block in before:
            blocks.block_test(block).body(worlds)
        refuses(what, blocks.block_test(last).body, worlds)
    return Test(f"controls/{what}", "I", "is found", body)


def text_control(worlds):
    root = worlds.root

    def body(_):
        document = parsed("# A\n\n[a](absent.md) [b](#b) [c](#a) `telemetry_trak()` `MYTOOL_TELEMTRY` `telemetry show --sents` `sudo make instal`\n")
        wrong = [address for _, address in document.links() if address.startswith("absent") and links.problem(root, document, address)]
        check(wrong == ["absent.md"] and document.anchors() == {"a"}, f"links: {wrong}, {document.anchors()}")
        find = names.name_problems(worlds, True)
        check([name for _, code in document.code() for name, _ in find(code)].count("telemetry_trak") >= 1, "a function")
        check(any(name == "MYTOOL_TELEMTRY" for _, code in document.code() for name, _ in find(code)), "a variable")
        commands = names.command_problems(worlds, True)
        check(len([line for _, code in document.code() for line in commands(code)]) == 2, "an option, a target")
        check(messages.problems(root, "no such … text as this"), "a message")
        check(not promises.exists(root, "privacy", "off/no-such-way"), "a test whose name is open")
        check(not promises.exists(root, "shell", "no such test"), "a test")
        check(shell.known_packages(root) is None or shell.root_problem(root, "sudo apt install no-such-package"), "a package")
    return Test("controls/names", "I", "links, names, messages and tests that do not exist are found", body)


def tests(worlds):
    return [*(block_control(*each) for each in BLOCKS), text_control(worlds)]
