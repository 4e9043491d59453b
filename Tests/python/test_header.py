"""The binding against include/telemetry.h: a change of the header fails here until the binding follows."""
import ctypes
import os
import re
import subprocess
import sys

from stage import BINDING, BUILD, ROOT
from suite import check, check_equal, test

sys.path.insert(0, BINDING)

from libtelemetry import _abi, enums, statistics  # noqa: E402

HEADER = os.path.join(ROOT, "include", "telemetry.h")
STRUCTURES = {"telemetry_attribute": _abi.Attribute, "telemetry_span": _abi.SpanData, "telemetry_metric_declaration": _abi.MetricDeclaration,
              "telemetry_notice": _abi.NoticeData, "telemetry_statistics": _abi.StatisticsData, "telemetry_backend": _abi.BackendData, "telemetry_deletion": _abi.DeletionData}
ENUMS = {"telemetry_status": (enums.Status, "TELEMETRY_"), "telemetry_consent": (enums.Consent, "TELEMETRY_"),
         "telemetry_format": (enums.Format, "TELEMETRY_FORMAT_"), "telemetry_delivery": (enums.Delivery, "TELEMETRY_"),
         "telemetry_guarantee": (enums.Guarantee, "TELEMETRY_"), "telemetry_identity": (enums.Identity, "TELEMETRY_IDENTITY_"),
         "telemetry_ephemeral": (enums.Ephemeral, "TELEMETRY_EPHEMERAL_"), "telemetry_storage": (enums.Storage, "TELEMETRY_STORAGE_"),
         "telemetry_storage_kind": (enums.StorageKind, "TELEMETRY_STORE_"),
         "telemetry_verdict": (enums.Verdict, "TELEMETRY_"), "telemetry_metric_type": (enums.MetricType, "TELEMETRY_"),
         "telemetry_gauge_rule": (enums.GaugeRule, "TELEMETRY_GAUGE_"), "telemetry_span_kind": (enums.SpanKind, "TELEMETRY_SPAN_"),
         "telemetry_span_status": (enums.SpanStatus, "TELEMETRY_SPAN_"), "telemetry_preference": (enums.Preference, "TELEMETRY_PREFERENCE_"),
         "telemetry_log_level": (enums.LogLevel, "TELEMETRY_LOG_")}
TYPES = {"STRING": _abi.STRING, "INT": _abi.INT, "DOUBLE": _abi.DOUBLE, "BOOL": _abi.BOOL}
#: Reached by telemetry_options_add_backend() with the name of the kind.
NOT_BOUND = {f"telemetry_options_set_backend_{kind}" for kind in ("noop", "stdout", "file", "http")}
#: What a backend gets in Python is JSON, and a log that other threads write to is not for an interpreter.
NOT_BOUND |= {f"telemetry_event_{what}" for what in ("field", "attribute", "attribute_count", "argument", "argument_count")}
NOT_BOUND |= {"telemetry_options_set_log", "telemetry_options_set_flush_at_exit"}


def header():
    """The header without its comments."""
    with open(HEADER, encoding="utf-8") as file:
        return re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)


def c_values(stage, expressions):
    """What a C program prints for each: {expression: number or text}."""
    lines = "".join(f'    {"TEXT" if expression.startswith("text ") else "NUMBER"}({expression.removeprefix("text ")})\n' for expression in expressions)
    source = ('#include <stddef.h>\n#include <stdio.h>\n#include <telemetry.h>\n#define NUMBER(x) printf("%lld\\n", (long long)(x));\n'
              f'#define TEXT(x) puts(x);\nint main(void)\n{{\n{lines}    return 0;\n}}\n')
    subprocess.run(["gcc", "-std=c99", f"-I{ROOT}/include", "-x", "c", "-", "-o", stage.path("values")], input=source, text=True, check=True)
    printed = subprocess.run([stage.path("values")], capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(zip(expressions, [line if each.startswith("text ") else int(line) for each, line in zip(expressions, printed)]))


def members(structure):
    """(name in C, offset, size) of each, also of those in the union."""
    for name, kind, *_ in structure._fields_:
        field = getattr(structure, name)
        yield name, field.offset, field.size
        if issubclass(kind, ctypes.Union):
            yield from ((f"{name}.{inner}", field.offset + getattr(kind, inner).offset, getattr(kind, inner).size) for inner, _ in kind._fields_)


@test("header/structures", "I")
def structures(stage):
    """Each structure has the size, the members and the offsets that a C compiler gives it."""
    expected = {}
    for c_name, structure in STRUCTURES.items():
        expected[f"sizeof({c_name})"] = ctypes.sizeof(structure)
        for name, offset, size in members(structure):
            expected[f"offsetof({c_name}, {name})"] = offset
            expected[f"sizeof((({c_name} *)0)->{name})"] = size
    check_equal(c_values(stage, list(expected)), expected, "layout")
    text = header()
    for c_name, structure in STRUCTURES.items():
        [body] = re.findall(rf"typedef struct {c_name} \{{(.*?)\n\}} {c_name};", text, re.DOTALL)
        body = re.sub(r"union \{.*?\} ", "union ", body, flags=re.DOTALL)
        names = [re.search(r"\(\*(\w+)\)|(\w+)(?:\[\d+\])?$", part.split("(*")[0] if "(*" not in part else "(*" + part.split("(*")[1].split(")")[0] + ")")
                 for part in (piece.strip() for piece in body.split(";")) if part]
        check_equal([found[1] or found[2] for found in names], [name for name, *_ in structure._fields_], f"members of {c_name}")
    check_equal(sorted(STRUCTURES), sorted(re.findall(r"typedef struct (\w+) \{", text)), "structures of the header")


@test("header/enumerations", "I")
def enumerations(stage):
    """Each enumeration has the members and values of the header's."""
    text = header()
    found = {name: re.findall(r"\b(TELEMETRY_\w+) = ", body) for name, body in re.findall(r"typedef enum (\w+) \{(.*?)\}", text, re.DOTALL)}
    check_equal(sorted(found), sorted([*ENUMS, "telemetry_attribute_type"]), "enumerations")
    expected = {f"TELEMETRY_{name}": value for name, value in TYPES.items()}
    for c_name, (kind, prefix) in ENUMS.items():
        expected.update({prefix + name: int(member) for name, member in kind.__members__.items()})
        check_equal(sorted(found[c_name]), sorted(prefix + name for name in kind.__members__), c_name)
    check_equal(c_values(stage, list(expected)), expected, "values")


@test("header/constants", "I")
def constants(stage):
    """The types of events, the root of a trace and the version are the header's."""
    names = re.findall(r'#define TELEMETRY_(\w+) "[a-z]+\.[a-z_]+"', header())
    values = c_values(stage, [*(f"text TELEMETRY_{name}" for name in names), "text TELEMETRY_VERSION", "TELEMETRY_SPAN_ROOT"])
    check_equal({f"text TELEMETRY_{name}": getattr(enums, name) for name in names}, {key: value for key, value in values.items() if "_VERSION" not in key
                                                                                    and "ROOT" not in key}, "types of events")
    check_equal(ctypes.c_void_p(values["TELEMETRY_SPAN_ROOT"]).value, _abi.SPAN_ROOT.value, "TELEMETRY_SPAN_ROOT")
    with open(os.path.join(BINDING, "pyproject.toml"), encoding="utf-8") as file:
        versions = {re.search(r'^version = "(.*)"', file.read(), re.MULTILINE)[1]}
    with open(os.path.join(BINDING, "libtelemetry", "__init__.py"), encoding="utf-8") as file:
        versions.add(re.search(r'^__version__ = "(.*)"', file.read(), re.MULTILINE)[1])
    check_equal({values["text TELEMETRY_VERSION"]}, versions, "versions of header and binding")


def kind_of(c_type, function):
    """What _abi calls an argument or a result of that type."""
    if " ".join(c_type.split()) == "const char * *":
        return "struct"  # of one member, which is written
    c_type = " ".join(c_type.replace("*const", "*").replace("const ", "").split())
    handles = {f"telemetry_{name} *": name for name in ("options", "collector", "command", "metric", "series", "span")}
    known = {"char *": "text", "char * *": "list", "telemetry_attribute *": "list", "size_t": "count", "bool": "bool", "double": "double",
             "telemetry_status": "enum", "int32_t": "int32", "int64_t": "int64", "uint32_t": "uint32", "uint64_t": "uint64", "void": "nothing"}
    if c_type in handles:
        return handles[c_type]
    if c_type in known:
        return known[c_type]
    return "struct" if c_type.endswith("*") else "enum"


@test("header/functions", "I")
def functions(_):
    """Every function of the header is bound, with arguments and results of its types."""
    expected = {}
    for result, name, arguments in re.findall(r"TELEMETRY_API ([\w *]+?)(\*?\s?\btelemetry_\w+)\((.*?)\);", header(), re.DOTALL):
        result, name = (result + ("*" if "*" in name else "")).replace("*", " *"), name.lstrip("* ")
        kinds = []
        for argument in [] if arguments.strip() == "void" else arguments.split(","):
            c_type, argument_name = re.fullmatch(r"(.*?)(\w+)", " ".join(argument.split()).strip()).groups()
            writable = c_type.strip() == "char *" and "const" not in c_type
            kinds.append("buffer" if writable else kind_of(c_type.replace("*", " *"), name))
        answer = {"telemetry_status": "status", "size_t": "size"}.get(result.strip()) or kind_of(result, name)
        expected[name] = f"{answer}: {' '.join(kinds)}".strip()
    bound = {**_abi.SHORT, **_abi.LONG}
    check_equal(NOT_BOUND, set(expected) - set(bound), "functions that are not bound")
    differing = {name: (expected.get(name), bound[name]) for name in bound if expected.get(name) != bound[name]}
    check_equal({}, differing, "functions whose prototypes differ, in the header and in the binding")
    check_equal(set(), set(_abi.SHORT) & set(_abi.LONG), "functions that are in both tables")


@test("header/statistics", "I")
def counters(_):
    """Statistics has every counter of telemetry_statistics."""
    members = [name for name, _ in _abi.StatisticsData._fields_ if name not in ("size", "reserved")]
    check_equal(["status", *members], list(statistics.Statistics._fields), "counters")


@test("header/blocking", "I host")
def blocking(_):
    """What waits or reads files, by the header, is called without the interpreter's lock."""
    with open(HEADER, encoding="utf-8") as file:
        comments = re.findall(r"Blocking: (.*?)\n \*(?:\s*\n| @).*?\*/\nTELEMETRY_API [\w *]*?\b(telemetry_\w+)\(", file.read(), re.DOTALL)
    waiting = {name for text, name in comments if re.match(r"(up to|reads|until)", text)}
    check("telemetry_close" in waiting and "telemetry_explain" in waiting, f"the header's comments are read: {waiting}")
    check_equal(set(), waiting - set(_abi.LONG), "functions that wait and are called with the interpreter's lock")
