"""What bash, zsh and fish offer is what the command table says."""
import json
import os
import shutil
import subprocess
import tempfile

from shells import Bash, Fish, Zsh
from manual import BUILD, GENERATOR, ROOT, check, equal, generate, output, same, table, test

SCRIPTS = os.path.join(BUILD, "completion")
SHELLS = {"bash": Bash, "zsh": Zsh, "fish": Fish}
FILES = {"bash": "telemetry.bash", "zsh": "_telemetry", "fish": "telemetry.fish"}


def in_each_shell(name):
    """One test for each shell; the body gets a shell."""
    def add(body):
        for shell, kind in SHELLS.items():
            def run(kind=kind):
                with kind(SCRIPTS) as opened:
                    body(opened)
            test(f"I {shell}: {name}")(run)
        return body
    return add


def names(options):
    return {name for option in options for name in (option["name"], option["short"]) if name}


def long_names(options):
    return {option["name"] for option in options}


def offered(shell, line):
    """As zsh and bash write options whose value follows."""
    return [answer.rstrip("=") if answer.startswith("--") else answer for answer in shell.offers(line)]


@in_each_shell("the commands, at their place, and those that begin as the word does")
def commands(shell):
    all_of = [c["name"] for c in table()["commands"]]
    same(all_of, shell.offers("telemetry "), "commands")
    same(all_of, shell.offers("telemetry --tool mytool --quiet "), "commands behind options")
    same(["track"], shell.offers("telemetry tr"), "commands that begin with tr")
    same(all_of, shell.offers("telemetry help "), "what help takes")
    same(["manifest"], shell.offers("telemetry help man"), "what help takes that begins with man")


@in_each_shell("the options of every command, and no other's")
def options(shell):
    general = table()["options"]
    same(long_names(general), [o for o in offered(shell, "telemetry --")], "options before a command")
    for command in table()["commands"]:
        same(long_names(general + command["options"]), offered(shell, f"telemetry {command['name']} --"), command["name"])
        same(long_names(general + command["options"]) - {"--quiet"},
             set(offered(shell, f"telemetry --quiet --tool x {command['name']} --")) - {"--quiet"}, f"{command['name']} behind options")
    check("-h" in offered(shell, "telemetry -"), "no short name")


@in_each_shell("values: files, fixed words, and nothing where anything can stand")
def values(shell):
    for option, command in every_option():
        line = f"telemetry {command} {option['name']} " if command else f"telemetry {option['name']} "
        expected = set(option["choices"])
        if option["value"] == "FILE":
            expected = {"tool.yaml", "top secret.yaml"}
        same(expected, unescaped(shell.offers(line)), line)
    same({"timeout"}, unescaped(shell.offers("telemetry track --error-category tim")), "categories that begin with tim")
    same({"tool.yaml"}, unescaped(shell.offers("telemetry --manifest too")), "files that begin with too")
    same({"--tool", "--tool-version"}, offered(shell, "telemetry track --manifest tool.yaml --tool"), "options behind a value")


@in_each_shell("a value behind '='")
def inline_values(shell):
    for line, expected in (("telemetry --manifest=to", {"tool.yaml", "top secret.yaml"}),
                           ("telemetry track --error-category=tim", {"timeout"}), ("telemetry track --error-category=", categories())):
        found = {answer.removeprefix("--manifest=").removeprefix("--error-category=") for answer in shell.offers(line)}
        same(expected, unescaped(found), line)
    same({"track"}, shell.offers("telemetry --tool=x tr"), "the command behind it")
    same({"--timeout-ms"}, offered(shell, "telemetry --tool=x flush --timeout"), "options behind it")


@in_each_shell("what the words of a command can be")
def operands(shell):
    same({"check", "docs"}, shell.offers("telemetry manifest "), "actions")
    same({"check"}, shell.offers("telemetry --tool x manifest --quiet ch"), "actions that begin with ch")
    same({"tool.yaml", "top secret.yaml"}, unescaped(shell.offers("telemetry manifest check to")), "the file to check")
    same({"tool.yaml"}, unescaped(shell.offers("telemetry manifest docs too")), "the file to describe")
    same(set(), shell.offers("telemetry track "), "an event's name")


@in_each_shell("behind '--', other commands and their arguments")
def programs(shell):
    check("gzip" in shell.offers("telemetry command --tool x -- gzi"), "no program")
    check("gzip" in shell.offers("telemetry command build -- gzi"), "no program behind a name")
    same({"tool.yaml"}, unescaped(shell.offers("telemetry command -- cat too")), "the program's argument")
    same({"track"}, shell.offers("telemetry command -- telemetry tr"), "the program's own completion") \
        if not isinstance(shell, Bash) else None


@test("I bash: with bash-completion, the program's own completion is used")
def bash_completion():
    """What that package does is its business: here stands a function of its name."""
    with tempfile.NamedTemporaryFile("w", suffix=".bash") as stub:
        stub.write('_command_offset() { COMPREPLY=("offset $1 of ${COMP_WORDS[$1]}"); }\n')
        stub.flush()
        with Bash(SCRIPTS, loaded=[stub.name]) as shell:
            equal(["offset 3 of cat"], shell.offers("telemetry command -- cat too"), "the function that was called")


@test("I bash: what a person types is completed, names of files with a space among them")
def typed():
    with Bash(SCRIPTS) as shell:
        line = "telemetry sta\t --manifest=top\t --tool-v\t=1 --js\t\n"
        equal(["status", "--manifest=top secret.yaml", "--tool-version", "=1", "--json"], shell.run_line(line), "arguments")


@in_each_shell("completing does not run the helper")
def harmless(shell):
    helper = os.path.join(shell.home.name, "bin/telemetry")
    os.mkdir(os.path.dirname(helper))
    with open(os.open(helper, os.O_WRONLY | os.O_CREAT, 0o755), "w") as file:
        file.write(f"#!/bin/sh\necho \"$0\" >'{shell.home.name}/called'\n")
    for line in ("telemetry ", "telemetry disable --", "telemetry manifest check ", "telemetry track --error-category "):
        check(shell.offers(line), f"{line}: nothing offered")
    check(not os.path.exists(os.path.join(shell.home.name, "called")), "it was run")


def unescaped(answers):
    return {answer.replace("\\ ", " ") for answer in answers}


def categories():
    [option] = [o for c in table()["commands"] if c["name"] == "track" for o in c["options"] if o["name"] == "--error-category"]
    return set(option["choices"])


def every_option():
    """Options with a value, and the command they belong to; None: all."""
    for option in table()["options"]:
        if option["value"]:
            yield option, None
    for command in table()["commands"]:
        for option in command["options"]:
            if option["value"]:
                yield option, command["name"]


def scripts_of(changed, directory):
    path = os.path.join(directory, "table.json")
    with open(path, "w") as file:
        json.dump(changed, file)
    for shell, name in FILES.items():
        with open(os.path.join(directory, name), "w") as file:
            file.write(generate("completion", shell, path))


def changed_table():
    """With what quoting could get wrong."""
    option = {"name": "--colour", "short": None, "value": "HUE", "choices": ["red", "blue"], "repeats": False,
              "summary": "it's [one] of 'two': a\\b \"c\" $HOME `d`"}
    command = {"name": "paint", "forms": ["FILE [OPTION]..."], "summary": "paint: it's $HOME \"now\"", "details": "", "options": [option],
               "actions": [], "words": 1, "runs_program": False}
    changed = table()
    changed["commands"].append(command)
    return changed


for name, kind in SHELLS.items():
    @test(f"I {name}: a command that is added to the table is offered, with its options and values")
    def added(kind=kind):
        with tempfile.TemporaryDirectory() as directory:
            scripts_of(changed_table(), directory)
            with kind(directory) as shell:
                same([c["name"] for c in changed_table()["commands"]], shell.offers("telemetry "), "commands")
                same(["--colour"], offered(shell, "telemetry paint --col"), "its option")
                same(["red", "blue"], shell.offers("telemetry paint --colour "), "the option's values")
                same(["tool.yaml"], shell.offers("telemetry paint too"), "its file")


@test("I the shells find no mistake in their scripts")
def syntax():
    output("bash", "-n", os.path.join(SCRIPTS, "telemetry.bash"))
    output("shellcheck", "--shell=bash", os.path.join(SCRIPTS, "telemetry.bash"))
    output("zsh", "-n", os.path.join(SCRIPTS, "_telemetry"))
    output("fish", "--no-execute", os.path.join(SCRIPTS, "telemetry.fish"))


@test("I pages and completions have the same bytes whenever and wherever they are made")
def deterministic():
    built = {name: open(os.path.join(BUILD, "completion", name)).read() for name in FILES.values()}
    with tempfile.TemporaryDirectory() as directory:
        scripts_of(table(), directory)
        for name, text in built.items():
            equal(text, open(os.path.join(directory, name)).read(), name)
        elsewhere = {**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "SOURCE_DATE_EPOCH": "1", "HOME": "/"}
        version = [l.split('"')[1] for l in open(os.path.join(ROOT, "Sources/TelemetryCore/System/Version.swift")) if "StaticString" in l][0]
        for run in ("a", "b"):
            pages = os.path.join(directory, run)
            os.mkdir(pages)
            output(GENERATOR, "functions", "include/telemetry.h", version, pages, cwd=ROOT, env=elsewhere)
            subprocess.run(["diff", "-r", pages, os.path.join(BUILD, "man/man3")], check=True)
            for page in ("telemetry.1", "telemetry-manifest.5", "telemetry-own.5", "telemetry-policy.5"):
                again = output(GENERATOR, "page", f"man/{page}.in", os.path.join(directory, "table.json"), version, cwd=ROOT, env=elsewhere)
                equal(open(os.path.join(BUILD, f"man/man{page[-1]}", page)).read(), again, page)
        shutil.rmtree(pages)
