#!/usr/bin/env python3
"""What a program may set in code, a manifest may say, and the other way round: every setting that has both ways gets the same
values by both, and both must accept or refuse. The table in Sources/TelemetryCore/Options/Setting.swift says which numbers,
booleans and words there are, and Sources/TelemetryABI which function sets each. The values come from the ranges in
docs/manifest.md: the ends, what is beyond them, and for texts what often goes wrong.

usage: settings.py LIBRARY [KEY=OTHER]...    KEY's setter is compared with the manifest's OTHER, as for a mistake
"""
import ctypes
import json
import os
import re
import sys
import tempfile

KINDS = ["noop", "stdout", "file", "http", "otlp", "datadog", "posthog", "segment", "splunk_hec", "splunk_udp", "clickhouse", "zipkin"]
NEEDS = {"http": {"endpoint": "https://example.org/x"}, "otlp": {"endpoint": "https://example.org"}, "datadog": {"api_key": "k"},
         "posthog": {"api_key": "k"}, "segment": {"api_key": "k"}, "splunk_hec": {"endpoint": "https://example.org", "api_key": "k"},
         "splunk_udp": {"endpoint": "udp://example.org"}, "clickhouse": {"endpoint": "https://example.org"},
         "zipkin": {"endpoint": "https://example.org"}}
TEXTS = ["", "x", " x ", "x" * 64, "x" * 65, "x" * 200, "x" * 201, "x" * 256, "x" * 257, "x" * 1000, "x" * 1001, "a.b", "a..b", ".a", "a.",
         "x\ty", "x\u0085y", "x\u202ey", "é" * 32, "é" * 33, "/a/b", "a/b", "../a", "~/a", "/" + "x" * 4094, "/" + "x" * 4095, "on", "off",
         "HTTP_KEY", "9KEY", "X-Key", "X Key", "Host", "http://localhost/x", "http://example.org/x", "https://example.org/x",
         "https://u:p@example.org/", "https://example.org/#f", "https://example.org:99999/", "https://" + "x" * 2100, "udp://example.org",
         "udp://example.org:70000", "mailto:a@b", "http/json", "http/protobuf", "gzip", "none", "fill", "override", "ignore", "us", "eu",
         "tagged", "bare", "token", "datadoghq.eu", "events", "metrics,events", "spans", "events,spans,metrics", "events events", "delta", "lowmemory", "seconds", "milliseconds", "true", "false", "True", "1", "0", "-1"]

# In C, 0 and "" say that nothing is chosen: the default holds, or what was chosen before is cleared. A manifest leaves the key out.
CLEARS = {"delivery.flush_interval_ms", "limits.spool_bytes", "limits.spool_segments", "limits.spool_age_s", "heartbeat.period",
          "heartbeat.stop_after_failures", "config.file", "config.project_file", "notice.version", "notice.recipient",
          "notice.policy_url", "notice.contact", "notice.retention"}
# Keys that have no values of their own to compare.
ELSEWHERE = {
    "tool.name": "names the tool, as telemetry_options_new() does", "tool.version": "as that",
    "config.local_only_key": "the manifest's alone", "config.project_key": "set_project_config takes `key`",
    "deletion.endpoint": "the manifest's alone", "deletion.headers": "as that", "deletion.email": "as that", "deletion.subject": "as that",
    "fields.exclude": "the manifest's alone", "heartbeat.type": "as that", "heartbeat.name": "as that",
    "backends": "calls of add_backend", "backend.kind": "the argument of each of them", "backend.headers": "set_backend_http has lines",
    "spans.NAME.description": "the manifest's alone", "spans.NAME.attributes": "as that", "spans.NAME.expires": "as that",
}


class Attribute(ctypes.Structure):
    class Value(ctypes.Union):
        _fields_ = [("string", ctypes.c_char_p), ("integer", ctypes.c_int64), ("number", ctypes.c_double), ("boolean", ctypes.c_bool)]

    _fields_ = [("key", ctypes.c_char_p), ("type", ctypes.c_int), ("value", Value)]

    def __init__(self, key, value):
        super().__init__()
        self.key = key.encode()
        if isinstance(value, bool):
            self.type, self.value.boolean = 3, value
        elif isinstance(value, int):
            self.type, self.value.integer = 1, value
        elif isinstance(value, float):
            self.type, self.value.number = 2, value
        else:
            self.type, self.value.string = 0, value.encode()


class Notice(ctypes.Structure):
    TEXTS = ["version", "collector", "data", "purpose", "recipient", "policy_url", "contact", "retention"]
    _fields_ = [("size", ctypes.c_size_t)] + [(name, ctypes.c_char_p) for name in TEXTS]


class Settings:
    def __init__(self, library, directory):
        self.library = ctypes.CDLL(library)
        self.library.telemetry_options_new.restype = ctypes.c_void_p
        self.library.telemetry_options_error.restype = ctypes.c_size_t
        self.path = os.path.join(directory, "manifest.json")

    def _error(self, configure):
        options = ctypes.c_void_p(self.library.telemetry_options_new(b"mytool", b"1"))
        configure(options)
        text = ctypes.create_string_buffer(512)
        self.library.telemetry_options_error(options, text, ctypes.c_size_t(len(text)))
        self.library.telemetry_options_free(options)
        return text.value.decode(errors="replace")

    def in_code(self, setter, *arguments):
        return self._error(lambda options: getattr(self.library, "telemetry_options_" + setter)(options, *arguments))

    def in_manifest(self, content):
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump({"tool": {"name": "mytool"}, **content}, file)
        return self._error(lambda options: self.library.telemetry_options_load_manifest(options, self.path.encode()))


def nested(key, value):
    """{"a": {"b": value}} of "a.b"."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def documented(root):
    """{key: (type, range)}"""
    with open(os.path.join(root, "docs/manifest.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `([\w.]+)` \| ([^|]*) \| [^|]* \| ?([^|]*) \|", file.read(), re.M)
    return {key: (kind.strip(), limits.strip()) for key, kind, limits in rows if not key.startswith(("events.", "metrics.", "spans."))}


def numbers(limits, low=None):
    """The ends of a range, and what is beside them, as far as a C parameter of 64 bits can say it."""
    first, last = (int(end) if end.isdigit() else low for end in re.match(r"(\d+|one segment)–(\d+)", limits).groups())
    return sorted({max(0, first - 1), first, first + 1, (first + last) // 2, last - 1, last, last + 1, 0, 1})


u32, u64 = ctypes.c_uint32, ctypes.c_uint64


# Settings whose function in C sets several: its other arguments.
TOGETHER = {
    "identity.kind": ("set_identity", lambda value: [u32(value), u32(0)]),
    "identity.rotation_days": ("set_identity", lambda value: [0, u32(value)]),
    "identity.ephemeral": ("set_ephemeral", lambda value: [u32(value)]),
    "limits.spool_bytes": ("set_spool_limits", lambda value: [u64(value), u32(256), u32(2592000)]),
    "limits.spool_segments": ("set_spool_limits", lambda value: [u64(16777216), u32(value), u32(2592000)]),
    "limits.spool_age_s": ("set_spool_limits", lambda value: [u64(16777216), u32(256), u32(value)]),
    "heartbeat.period": ("set_heartbeat", lambda value: [u32(value), u32(3)]),
    "heartbeat.stop_after_failures": ("set_heartbeat", lambda value: [u32(14400), u32(value)]),
}


def table(root):
    """{key: (its name in the code, kind, words)} of the table of settings; those of a backend are compared with their kinds."""
    with open(os.path.join(root, "Sources/TelemetryCore/Options/Setting.swift"), encoding="utf-8") as file:
        rows = file.read().split(" static let table:")[1].split("\n    ]\n")[0].split(" Row(")[1:]
    result = {}
    for row in rows:
        name, section, key, kind = re.search(r'setting: \.(\w+),(?: section: \.(\w+),)? key: "(\w+)",\s*kind: \.(\w+)', row).groups()
        words = re.search(r'\.choice\("(.*?)"', row)
        if kind not in ("section", "list") and section != "backend" and ".codeAlone" not in row:
            result[f"{section}.{key}" if section else key] = name, kind, words[1].split() if words else []
    return result


def setters(root):
    """{name of a setting in the code: the function that sets it alone, with the type of its argument}"""
    text = ""
    for name in ("Options.swift", "Consent.swift"):
        with open(os.path.join(root, "Sources/TelemetryABI", name), encoding="utf-8") as file:
            text += file.read()
    functions = re.findall(r'@_cdecl\("telemetry_options_(\w+)"\)\n(.*?)\n}\n', text, re.S)
    found = {}
    for name, body in functions:
        alone = re.search(r", \w+: (\w+)\s*\)\s*-> telemetry_status\s*{\s*configure\(options\) {\s*\$0\.set\(\s*\.(\w+), ", body)
        if alone:
            argument = {"Bool": ctypes.c_bool, "UInt64": u64}.get(alone[1], u32)
            found[alone[2]] = name, lambda value, argument=argument: [argument(value)]
    return found


def values_of(key, kind, words, limits):
    """(the value in code, the same in a manifest)"""
    if kind == "boolean":
        return [(0, False), (1, True)]
    if kind == "choice":
        return [*enumerate(words), (len(words), "nonsense"), (0xFFFFFFFF, "")]
    values = [*numbers(limits, low=262144), *([8193, 12288, 12289] if key == "limits.segment_bytes" else [])]
    return [(value, value) for value in values if key == "limits.spool_bytes" or value < 1 << 32]


def comparisons(documents, root):
    """(key, its value, setter, arguments, manifest's content) of every setting that both have."""
    alone = setters(root)
    for key, (name, kind, words) in table(root).items():
        if key not in documents or not (key in TOGETHER or name in alone):
            continue
        setter, arguments = TOGETHER.get(key) or alone[name]
        for value, said in values_of(key, kind, words, documents[key][1]):
            yield key, said, setter, arguments(value), nested(key, said)
    for value in (-1.0, -0.1, 0.0, 0.5, 1.0, 1.1):
        yield "sampling", value, "set_sampling", [b"feature.used", ctypes.c_double(value)], {"sampling": {"feature.used": value}}
    for text in TEXTS:
        yield "sampling", text, "set_sampling", [text.encode(), ctypes.c_double(0.5)], {"sampling": {text: 0.5}}
        yield "config.file", text, "set_config", [text.encode(), b"a.b"], {"config": {"file": text, "key": "a.b"}}
        yield "config.key", text, "set_config", [b"~/f", text.encode()], {"config": {"file": "~/f", "key": text}}
        yield "config.project_file", text, "set_project_config", [text.encode(), b"a.b"], {"config": {"project_file": text, "key": "a.b"}}
        yield "metadata", text, "set_metadata", [ctypes.byref(Attribute(text, "v")), ctypes.c_size_t(1)], {"metadata": {text: "v"}}
        yield "metadata", text, "set_metadata", [ctypes.byref(Attribute("k", text)), ctypes.c_size_t(1)], {"metadata": {"k": text}}
        for name in Notice.TEXTS:
            notice = Notice(size=ctypes.sizeof(Notice), version=b"1", collector=b"c", data=b"d", purpose=b"p")
            setattr(notice, name, text.encode())
            yield f"notice.{name}", text, "set_notice", [ctypes.byref(notice)], \
                {"notice": {"version": "1", "collector": "c", "data": "d", "purpose": "p", name: text}}
    for kind in KINDS:
        for key in [key for key in documents if key.startswith("backend.")]:
            name, (type_, limits) = key.split(".")[1], documents[key]
            if name in ("kind", "headers"):
                continue
            if name == "fields":
                # A name of its own for each; inner mappings have a dot in code.
                for field, value in [*((field, "$name") for field in [*TEXTS, "a.b.c", "a.b.c.d", "a.b.c.d.e"]),
                                     *(("n", value) for value in [*TEXTS, "$metadata.x", "$metadata", "$no", "$", 1, 0.5, True])]:
                    given = {**NEEDS.get(kind, {}), "fields." + field: value}
                    attributes = (Attribute * len(given))(*(Attribute(k, v) for k, v in given.items()))
                    yield key, f"{field}={value}", "add_backend", [kind.encode(), attributes, ctypes.c_size_t(len(given))], \
                        {"backend": {"kind": kind, **NEEDS.get(kind, {}), "fields": nested(field, value)}}
                continue
            values = [True, False, 1] if type_ == "boolean" else [*numbers(limits), "x"] if type_.startswith("integer") else [*TEXTS, 1]
            for value in values:
                given = {**{k: v for k, v in NEEDS.get(kind, {}).items() if not (k == "api_key" and name.startswith("api_key_") and name != "api_key_header")},
                         name: value}
                attributes = (Attribute * len(given))(*(Attribute(k, v) for k, v in given.items()))
                yield key, value, "add_backend", [kind.encode(), attributes, ctypes.c_size_t(len(given))], {"backend": {"kind": kind, **given}}


def main(library, *mistakes):
    swapped = dict(mistake.split("=") for mistake in mistakes)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    compared, differences, accepted, seen = 0, [], set(), set()
    documents = documented(root)
    os.environ.pop("TELEMETRY_MANIFEST", None)
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(library, directory)
        for key, value, setter, arguments, content in comparisons(documents, root):
            content = nested(swapped[key], value) if key in swapped else content
            code, manifest = settings.in_code(setter, *arguments), settings.in_manifest(content)
            compared += 1
            seen.add(key)
            if not code:
                accepted.add(key)
            if key in CLEARS and value in (0, "") and not code and manifest:
                continue
            if bool(code) != bool(manifest):
                differences.append(f"{key} = {str(value)[:80]!r} ({content.get('backend', {}).get('kind', '')}): in code {code or 'accepted'!r}, in a manifest {manifest or 'accepted'!r}")
    differences += [f"{key}: in docs/manifest.md, and not compared" for key in sorted(documents.keys() - seen - ELSEWHERE.keys())]
    differences += [f"{key}: in the table of settings, and not compared" for key in sorted(table(root).keys() - seen)]
    differences += [f"{key}: refused in code whatever it is" for key in sorted(seen - accepted)]
    print("\n".join(differences[:40]), end="\n" if differences else "")
    print(f"{compared} values of {len(accepted)} settings, {len(differences)} differences")
    return 1 if differences or compared < 1000 else 0


sys.exit(main(*sys.argv[1:]))
