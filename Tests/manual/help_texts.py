"""`telemetry help --json` and the help texts: each is derived from the other."""
import json
import re

from manual import check, equal, read, same, table, telemetry, test


def columns(rows):
    width = max(len(left) for left, _ in rows)
    return "".join(f"  {left:{width}}  {right}\n" for left, right in rows)


def labels(options):
    return [(o["name"] + (f", {o['short']}" if o["short"] else "") + (f" {o['value']}" if o["value"] else ""), o["summary"])
            for o in options]


def overview(all_of):
    return ("Usage: telemetry [OPTION]... COMMAND [ARGUMENT]...\n\nCommands:\n"
            + columns([(c["name"], c["summary"]) for c in all_of["commands"]])
            + "\nOptions, before or after the command:\n" + columns(labels(all_of["options"]))
            + "\n'telemetry COMMAND --help' says more about a command.\n")


def of_command(command, all_of):
    usage = [" ".join(["telemetry", command["name"], *form.split()]) for form in command["forms"]]
    text = "Usage: " + "\n       ".join(usage) + "\n\n"
    text += command["summary"][0].upper() + command["summary"][1:] + ".\n"
    text += command["details"] + "\n" if command["details"] else ""
    text += "\nOptions:\n" + columns(labels(command["options"])) if command["options"] else ""
    return text + "\nGlobal options:\n" + columns(labels(all_of["options"]))


@test("I telemetry help is what the table says")
def general():
    equal(overview(table()), telemetry("help"), "telemetry help")


@test("I telemetry COMMAND --help is what the table says")
def each():
    check(len(table()["commands"]) > 15, "commands")
    for command in table()["commands"]:
        equal(of_command(command, table()), telemetry(command["name"], "--help"), command["name"])


@test("I telemetry help COMMAND --json is its entry in the table")
def entries():
    for command in table()["commands"]:
        for arguments in (["help", command["name"], "--json"], [command["name"], "--help", "--json"]):
            equal(command, json.loads(telemetry(*arguments)), command["name"])


@test("I the table has the members that docs/cli.md lists")
def members():
    [section] = re.findall(r"\n## help\n(.*?)\n## ", read("docs/cli.md"), re.S)
    listed = []
    for cell in re.findall(r"^\| (`.*?) \|", section, re.M):
        for name in re.findall(r"`([^`]+)`", cell):
            # `commands[].summary`, `.details`
            listed.append(listed[-1].rsplit(".", 1)[0] + name if name.startswith(".") else name)
    found = []
    for key, entries in table().items():
        found += [key, *(f"{key}[].{member}" for member in entries[0])]
        for entry in entries:
            equal(list(entries[0]), list(entry), f"members of {entry['name']}")
            for option in entry.get("options", []):
                equal(list(table()["options"][0]), list(option), f"members of {option['name']}")
    same(found, listed, "members")


@test("I every option and action of the table is accepted, and every choice")
def accepted():
    """Asked for help, a command parses its line and does nothing."""
    for command in table()["commands"]:
        for option in table()["options"] + command["options"]:
            for name in filter(None, (option["name"], option["short"])):
                for value in (option["choices"] or ["1"]) if option["value"] else [None]:
                    line = [command["name"], name, *([] if value is None else [value]), "--help"]
                    telemetry(*line)
        for action in command["actions"]:
            telemetry(command["name"], action, "--help")
