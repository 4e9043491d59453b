"""telemetry(1), telemetry-manifest(5), telemetry-own(5) and telemetry-policy(5): what they say is what the helper, the sources and docs/ say."""
import glob
import os
import re
import subprocess
import tempfile

from pages import page_of, plain, rendered
from manual import BUILD, ROOT, check, equal, output, read, same, table, test


def sections(name):
    parts = re.split(r"^([A-Z][A-Z ]+)\n", rendered(page_of(name)), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def tags(text):
    """Of a list: what stands at the margin of a section's text."""
    return re.findall(r"^ {7}(\S.*)$", text, re.M)


@test("I telemetry(1) has every command with its forms, and no other")
def commands():
    parts = re.split(r"^   ([a-z-]+)\n", sections("telemetry.1")["COMMANDS"], flags=re.M)
    equal([c["name"] for c in table()["commands"]], parts[1::2], "commands")
    for command, text in zip(table()["commands"], parts[2::2]):
        forms = [line for line in tags(text) if line.startswith(f"telemetry {command['name']}")]
        equal([" ".join(["telemetry", command["name"], *form.split()]) for form in command["forms"]], forms[:len(command["forms"])], command["name"])
        check(plain(command["details"]) in plain(text), f"{command['name']}: details: {text}")
        same(map(label, command["options"]), options(text), command["name"])
        for option in command["options"]:
            check(plain(option["summary"]) in plain(text), f"{command['name']} {option['name']}: summary")


@test("I telemetry(1) has the options of every command")
def general():
    text = sections("telemetry.1")["OPTIONS"]
    same(map(label, table()["options"]), options(text), "options")
    for option in table()["options"]:
        check(plain(option["summary"]) in plain(text), f"{option['name']}: summary")


def label(option):
    return option["name"] + (f", {option['short']}" if option["short"] else "") + (f" {option['value']}" if option["value"] else "")


def options(text):
    """As `label` writes them; behind a short one its text begins on the same line."""
    found = [re.match(r"--[a-z-]+(, -[a-z])?( ([A-Z][A-Z=]*|-)(?= |$))?", tag) for tag in tags(text)]
    return [match[0] for match in found if match]


@test("I EXIT STATUS has the codes of ExitCode.swift, and those of docs/cli.md")
def exit_codes():
    defined = set(re.findall(r"case \w+ = (\d+)", read("Sources/telemetry-cli/ExitCode.swift")))
    check(len(defined) > 8, f"codes: {defined}")
    text = sections("telemetry.1")["EXIT STATUS"]
    listed = re.findall(r"^ {7}(\d+) ", text, re.M)
    [documented] = re.findall(r"\n## Exit codes\n(.*?)\n## ", read("docs/cli.md"), re.S)
    equal(re.findall(r"^\| (\d+) ", documented, re.M), listed, "codes in a list")
    # Those of the wrapped command's are in a sentence.
    same(defined, listed + re.findall(r"\b(\d+) if it", text), "codes")


@test("I ENVIRONMENT has the variables that the sources read, and those of docs/cli.md")
def variables():
    text = sections("telemetry.1")["ENVIRONMENT"]
    listed = re.findall(r"\b[A-Z][A-Z_]+\b\*?|\b[a-z]+_proxy\b", " ".join(re.split(" {2,}", tag)[0] for tag in tags(text)))
    [documented] = re.findall(r"\n## Variables\n(.*?)\n## ", read("docs/cli.md"), re.S)
    rows = re.findall(r"^\| (`.*?) \|", documented, re.M)
    same(re.findall(r"`([^`]+)`", " ".join(rows)), listed, "variables")
    # libcurl reads the proxies'.
    same(variables_read(), [name for name in listed if not re.search("(?i)_proxy$", name)], "variables that are read")


def variables_read():
    sources = "".join(read(path) for path in swift_files("TelemetryCore") + swift_files("TelemetryAgent") + swift_files("telemetry-cli"))
    names = re.findall(r'\b(?:value|path|refusing|absolute|baseDirectory|trust|environment|named)\((?:by: )?"([A-Z_]+)"', sources)
    names += re.findall(r'(?:let name|let argument|static let \w*[eE]xporter) = "(OTEL_(?!EXPORTER_OTLP_)[A-Z_]+)"', sources)
    names += re.findall(r'static let \w*Variable = "([A-Z_]+)"', sources)
    # The fields of a request, as variables.
    names += [name.upper() for name in re.findall(r'static let (?:parent|state|baggage) = "([a-z]+)"', sources)]
    names += re.findall(r'getenv\("([A-Z_]+)"\)', "".join(read(path) for path in c_files()))
    check(len(names) > 15, f"only {names}")
    # A tool's own, and the only family.
    names += ["TOOL" + suffix for suffix in re.findall(r'suffix = "(_[A-Z_]+)"', sources)]
    return names + [re.search(r'prefix = "(OTEL_EXPORTER_OTLP_)"', sources)[1] + "*"]


def c_files():
    return sorted(glob.glob(os.path.join(ROOT, "Sources", "CSystem", "*.c")))


def swift_files(target):
    return [os.path.join(directory, name) for directory, _, names in os.walk(os.path.join(ROOT, "Sources", target))
            for name in names if name.endswith(".swift")]


@test("I telemetry-manifest(5), telemetry-own(5) and telemetry-policy(5) have every key of their document")
def keys():
    for name, document in (("telemetry-manifest.5", "docs/manifest.md"), ("telemetry-own.5", "docs/own.md"), ("telemetry-policy.5", "docs/policy.md")):
        text = rendered(page_of(name))
        rows = re.findall(r"^\| `([\w.]+)` \| .* \| (.*) \|$", read(document), re.M)
        check(len(rows) >= 2, f"{document}: {len(rows)} keys")
        for key, _ in rows:
            check(re.search(rf"^ +{re.escape(key)}\b", text, re.M), f"{name}: {key}")
        check("|" not in text and "](" not in text and "**" not in text, f"{name}: Markdown is left")
        for heading in re.findall(r"^##+ (.*)", read(document), re.M):
            check(heading.replace("`", "").lower() in text.lower(), f"{name}: {heading}")
        for code in re.findall(r"^```\w*\n(.*?)^```", read(document), re.M | re.S):
            for line in code.splitlines():
                check(line.rstrip() in text, f"{name}: {line!r}")


@test("I the examples of telemetry(1) run")
def examples():
    text = sections("telemetry.1")["EXAMPLES"]
    lines = re.findall(r"^ {11}(telemetry .*)$", text, re.M)
    check(len(lines) > 3, text)
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": f"{BUILD}/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
        output("telemetry", "enable", "--tool", "mytool", env=environment)
        for line in lines:
            done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            equal((0, ""), (done.returncode, done.stderr), line)
        with open(os.path.join(home, ".config/telemetry/mytool/enabled")) as answer:
            equal("false\n", answer.read(), "the answer that the last one stores")
