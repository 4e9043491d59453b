"""docs/backends.md, "What every backend gets": the table is what arrives, field by field, on every backend."""
import datetime
import json
import os
import re
import subprocess
from decimal import Decimal

import key_value
import stage as stages
from cases import otlp
from suite import check, check_equal, test
from vendor_receiver import VendorReceiver
from vendors import HERE, KEY, METADATA, OUTCOME, through_c

RATE = 0.999999999
CONSTANT = "the same in all events"
ATTRIBUTES = {**METADATA, "sample_rate": RATE}


# MARK: the document

def tables():
    """The two tables of the section, as lists of rows of cells."""
    with open(os.path.join(HERE, "..", "..", "docs", "backends.md")) as file:
        section = file.read().split("## What every backend gets\n")[1].split("\n## ")[0]
    found = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    check_equal(2, len(found), "tables")
    # A bar inside of a cell is escaped.
    return [[[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if not line.startswith("|---")]
            for text in found]


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


class Column:
    """Where one backend has each field: {field: [(path, whether it is a part of a text there)]}."""

    def __init__(self, head, cells):
        self.kind, *self.base = names(head)
        self.places = {}
        for field, cell in cells:
            check(re.fullmatch(r"(=|\(?`[^`]+`\)?)(, \(?`[^`]+`\)?)*|", cell), f"{self.kind}, {field}: {cell}")
            paths = [(path.strip("()`"), path.startswith("(")) for path in cell.split(", ") if path]
            own = ".".join([*self.base, field])
            self.places[field] = [(own if path == "=" else path, part) for path, part in paths]
            check(paths or field == CONSTANT, f"{self.kind} has no place for {field}")

    def expanded(self):
        """The same, with a row for each key of the metadata; those of all events have none."""
        for field, places in self.places.items():
            keys = METADATA if field == "metadata.KEY" else [""]
            for key in keys:
                yield field.replace("KEY", key), [(path.replace("KEY", key), part) for path, part in places]


def columns():
    head, *rows = tables()[0]
    fields = [CONSTANT if row[0] == CONSTANT else names(row[0])[0] for row in rows]
    check_equal(len(fields), len(set(fields)), "different rows")
    # The first column is the event as JSON.
    own = [Column("`json`", [(field, "=" if field != CONSTANT else "") for field in fields])]
    return names(head[0]), own + [Column(name, [(field, row[number]) for field, row in zip(fields, rows)])
                                  for number, name in enumerate(head) if number > 0]


# MARK: what arrives

def flat(value, path=""):
    """{"a": {"b": 1}} as {"a.b": 1}; lists are values."""
    if not isinstance(value, dict):
        return {path: value}
    result = {}
    for name, member in value.items():
        result.update(flat(member, f"{path}.{name}" if path else name))
    return result


def loads(body):
    return json.loads(body.decode("utf-8"), parse_float=Decimal)


def plain(value):
    """A value of OTLP, as `decode` prints it, and the name of its form."""
    [(form, content)] = value.items()
    if form == "arrayValue":
        return [plain(each)[0] for each in content["values"]], form
    return (int(content) if form == "intValue" else content), form


def snake(name):
    return re.sub("[A-Z]", lambda match: "_" + match[0].lower(), name)


def otlp_paths(message):
    logs, scope, [record] = otlp.records(message)
    found = {f"scope {name}": value for name, value in scope["scope"].items()}
    forms = {}
    for prefix, pairs in (("resource ", logs["resource"]["attributes"]), ("", record.pop("attributes"))):
        for name, value in otlp.attributes(pairs).items():
            found[prefix + name], forms[prefix + name] = plain(value)
    record["body"], _ = plain(record["body"])
    found.update({snake(name): value for name, value in record.items()})
    return found, forms


class Posted(VendorReceiver):
    """Takes whatever is posted; `body` is the one that was."""

    def __init__(self):
        super().__init__(lambda request: None, 200)

    @property
    def body(self):
        [request] = self.taken()
        return request.body


def arrived(stage, kind, settings=None):
    """Records the event for a backend of that kind; what it got, as {path: value}, and the forms of values, if it says."""
    settings = settings or {}
    if kind == "splunk_udp":
        receiver = stage.closes(key_value.DatagramReceiver())
        through_c(stage, kind, "sampled", "full", endpoint=receiver.url)
        [event] = receiver.wait_for(1)
        return event, None
    if kind in ("file", "stdout"):
        path = {"path": stage.path("events.jsonl")} if kind == "file" else {}
        printed = through_c(stage, kind, "sampled", "full", **path)
        if kind == "file":
            with open(path["path"], "rb") as file:
                return flat(loads(file.read())), None
        [event] = json.JSONDecoder(parse_float=Decimal).raw_decode(printed)[0]
        return flat(event), None
    receiver = stage.closes(Posted())
    key = {} if kind == "http" else {"api_key": KEY}
    through_c(stage, kind, "sampled", "full", endpoint=receiver.url, **key, **settings)
    if kind == "otlp":
        receiver.body
        [message] = otlp.decoded(receiver.taken())
        return otlp_paths(message)
    if kind == "clickhouse":
        event = loads(receiver.body.partition(b"\n")[2])
        return flat({**event, "metadata": loads(event["metadata"].encode())}), None
    body = loads(receiver.body)
    event = body["batch"][0] if kind in ("posthog", "segment") else body if kind == "splunk_hec" else body[0]
    return flat(event), None


# MARK: what was recorded

def recorded(stage):
    """The last event, field by field, as the audit log has it; held to what the program gave."""
    event = flat(loads(stage.helper("show", "--sent", "--json").splitlines()[-1].encode())["event"])
    given = {"type": "command.invocation", "name": "run it", "tool_name": "itest", "version": "1.2.3", "schema_version": 1, **OUTCOME,
             **{f"metadata.{key}": value for key, value in ATTRIBUTES.items()}}
    for field, value in given.items():
        check(same(value, event[field]), f"{field}: recorded {event[field]!r}, given {value!r}")
    # Two fields that are the same could be taken for each other.
    check_equal(len(event), len({str(value) for value in event.values()}), "different values")
    return event


def same(expected, found):
    if {type(expected), type(found)} == {Decimal, float}:
        return float(expected) == float(found)
    return expected == found and isinstance(expected, bool) == isinstance(found, bool)


def moments(text):
    """A time in every form that some backend has."""
    match = re.fullmatch(r"(.{19})\.(\d{9})Z", text)
    seconds = int(datetime.datetime.fromisoformat(match[1] + "+00:00").timestamp())
    nanoseconds = seconds * 10**9 + int(match[2])
    return [text, text.replace("T", " ")[:-1], str(nanoseconds), nanoseconds // 10**6, Decimal(nanoseconds) / 10**9]


def renderings(kind, field, value):
    """What may stand for it there."""
    if field == "timestamp":
        return moments(value)
    if kind != "splunk_udp":
        return [value]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return ["|".join(value) if isinstance(value, list) else str(value)]


def compare(column, kind, event, found):
    for field, places in column.expanded():
        for path, part in places:
            check(path in found, f"{kind}: {field} is not at {path}; there are {sorted(found)}")
            if field == CONSTANT:
                continue
            allowed = renderings(kind, field, event[field])
            is_there = any(str(each) in found[path] if part else same(each, found[path]) for each in allowed)
            check(is_there, f"{kind}: {field} is {event[field]!r}, but at {path} stands {found[path]!r}")
    places = {path for _, places in column.expanded() for path, _ in places}
    check_equal(set(), set(found) - places, f"paths of {kind} that the table does not have")


@test("mapping/fields", "F C2 C11")
def fields(stage):
    """The rows of the table are the fields that an event has, and its columns are the backends that there are."""
    kinds, (own, *others) = columns()
    stage.manifest("https://example.org", {"extended_collection": True})
    schema = json.loads(stage.helper("show", "--schema", "--json"))["fields"]
    rows = [field.split(".")[0] for field in own.places if field != CONSTANT]
    check_equal({field["name"] for field in schema}, set(rows), "fields of `show --schema`, and rows")
    arrived(stage, "file")
    event = recorded(stage)
    check_equal(set(event), {field for field, _ in own.expanded()} - {CONSTANT}, "fields of an event, and rows")
    check_equal(known_kinds(stage) - {"noop", "zipkin"}, {*kinds, *(column.kind for column in others)}, "backends, and columns")


def known_kinds(stage):
    """As the error for an unknown one lists them."""
    stage.manifest("https://example.org", kind="none")
    done = subprocess.run([f"{stages.BUILD}/bin/telemetry", "manifest", "check", stage.manifest_file], env=stage.environment,
                          capture_output=True, text=True, timeout=60)
    return set(re.split(r", | or ", done.stderr.strip().split("expected ")[1]))


@test("mapping/values", "F C2 C11")
def values(stage):
    """Every field stands where the table says, on every backend, and nothing stands elsewhere."""
    kinds, (own, *others) = columns()
    for kind in kinds:
        found, _ = arrived(stage, kind)
        compare(own, kind, recorded(stage), found)
    for column in others:
        for settings in ([{"protocol": name} for name in otlp.FORMS] if column.kind == "otlp" else [{}]):
            found, forms = arrived(stage, column.kind, settings)
            event = recorded(stage)
            compare(column, column.kind, event, found)
            if forms:
                check_forms(forms)


def check_forms(forms):
    """OTLP's types of values, by the second table."""
    rows = {row[0].strip("`"): names(row[2])[0] for row in tables()[1][1:]}
    sample = {"text": "tool.metadata.text", "int": "tool.metadata.integer", "double": "tool.metadata.number", "bool": "tool.metadata.flag",
              "args": "command.args"}
    check_equal(rows, {name: snake(forms[path]) for name, path in sample.items()}, "forms of values")
