"""Splunk's key=value datagrams, as a strict reader and two syslog daemons have them."""
import socket
import subprocess

import stage as stages
from key_value import DatagramReceiver, DebianRsyslog, Rsyslog, SyslogNG, read
from stage import BUILD, OK
from suite import check, check_equal, test
from vendor_receiver import UUID7, moment
from vendors import METADATA, through_c

CORPUS = [
    "", "plain", "two words", "a;b", "a=b", 'quo"te', '"', '""', "back\\slash", "\\", "\\\\", "\\n", "\\\"", "tab\there", "new\nline", "\n", "carriage\rreturn",
    "\r\n", ";name=other", '";name="other', "a|b", "comma,and'apostrophe", " leading", "trailing ", "bell\x07", "escape\x1b[31m", "\x01\x02\x03\x1f", "del\x7f",
    "next\u0085line", "\u009b", "line\u2028separator", "é", "e\u0301", "שלום עולם", "مرحبا", "\u202eright to left", "😀", "👩\u200d👩\u200d👧", "\U0010ffff", "\ufeffmark",
    "\ufffd", "日本語 テキスト", "%s%n$HOME`id`", "#011", "<14>", "\x7f=\\\";\t\n\r",
]


def manifest(stage, url, count, **sections):
    stage.manifest(url, kind="splunk_udp", sections={"delivery": {"mode": "in-process", "guarantee": "at-least-once"}, **sections})
    return [f"manifest={stage.manifest_file}", f"track={count}"]


def check_corpus(events):
    """Each text of the corpus came back in every place where it was put."""
    check_equal(len(CORPUS), len(events), "events")
    by_text = dict(zip(CORPUS, events))
    for text, event in by_text.items():
        check_equal((text, text, text or None, "run", "1"), (event.get("metadata.text"), event.get("args"), event.get("error"), event.get("name"), event.get("exit_code")),
                    f"what {text!r} came back as")


def send_corpus(stage, receiver, **settings):
    printed = through_c(stage, "splunk_udp", *[f"text={text}" for text in CORPUS], endpoint=receiver.url, **settings)
    check_equal(f"{OK} splunk_udp: {receiver.url}", printed, "what close returned, and the description")
    stage.expect(len(CORPUS), delivered=len(CORPUS))


@test("splunk-udp/every-field", "F C2")
def every_field_udp(stage):
    """Every field of an event arrives, by IPv4, IPv6 and a name."""
    for family, host, name in ((socket.AF_INET, "127.0.0.1", "127.0.0.1"), (socket.AF_INET6, "::1", "[::1]"), (socket.AF_INET, "127.0.0.1", "localhost")):
        try:
            receiver = stage.closes(DatagramReceiver(family, host))
        except OSError:
            continue  # no IPv6 here
        url = f"udp://{name}:{receiver.port}"
        check_equal(f"{OK} splunk_udp: {url}", through_c(stage, "splunk_udp", "full", endpoint=url), "what close returned, and the description")
        [event] = receiver.wait_for(1)
        check(moment(event.pop("timestamp")) and UUID7.fullmatch(event.pop("event_id")), "time and id")
        for key in ("arch", "os_version", "runtime", "machine_id", "error_category"):
            check(event.pop(key), key)
        metadata = {"distinct_id": "mine", "text": "a\\b\tc", "integer": str(-2**63), "number": "0.5", "flag": "true", "release": "beta"}
        check_equal(set(METADATA), set(metadata), "what is asked for")
        check_equal({"signal": stages.TOOL, "schema_version": "1", "type": "command.invocation", "name": "run it", "version": "1.2.3", "os": "linux",
                     "duration_ms": "0", "exit_code": "3", "args": "get||quo\"te", "error": "no\nroute é",
                     **{f"metadata.{key}": value for key, value in metadata.items()}}, event, "pairs")


@test("splunk-udp/corpus", "F")
def corpus(stage):
    """Any text comes back from a strict reader of the wire as it was."""
    receiver = stage.closes(DatagramReceiver())
    send_corpus(stage, receiver)
    check_corpus(receiver.wait_for(len(CORPUS)))


@test("splunk-udp/syslog-ng", "F")
def syslog_ng(stage):
    """syslog-ng by Debian's options, a plain network() and kv-parser(): it has the values that were sent."""
    daemon = SyslogNG(stage)
    send_corpus(stage, daemon)
    events = daemon.wait_for(len(CORPUS))
    check_corpus(events)
    check(all(each.get("signal") == stages.TOOL and UUID7.fullmatch(each.get("event_id", "")) and moment(each.get("timestamp")) for each in events),
          "signal, id and time of all")


@test("splunk-udp/rsyslog", "F")
def rsyslog(stage):
    """rsyslog by Debian's configuration: the message has every pair. A control character is `#` and three digits there, by default."""
    daemon = DebianRsyslog(stage)
    send_corpus(stage, daemon)
    events = daemon.wait_for(len(CORPUS))
    check_equal(len(CORPUS), len(events), "events")
    for text, event in zip(CORPUS, events):
        escaped = "".join(f"#{ord(each):03o}" if each < " " and each not in "\r\n" else each for each in text)
        check_equal((escaped, escaped, escaped or None, "run", stages.TOOL),
                    (event.get("metadata.text"), event.get("args"), event.get("error"), event.get("name"), event.get("signal")), f"what {text!r} came back as")
        check(UUID7.fullmatch(event["event_id"]) and moment(event["timestamp"]), "id and time")


@test("splunk-udp/bare", "F")
def bare(stage):
    """`line: bare` is the line without a tag, for who reads the datagram itself: so do both daemons when told to."""
    receiver = stage.closes(DatagramReceiver())
    send_corpus(stage, receiver, line="bare")
    check_corpus([read(datagram, "<14>") for datagram in receiver.all()])


@test("splunk-udp/bare-syslog-ng", "F")
def bare_syslog_ng(stage):
    """The line without a tag needs flags of syslog-ng."""
    daemon = SyslogNG(stage, "flags(no-hostname, no-header)")
    send_corpus(stage, daemon, line="bare")
    check_corpus(daemon.wait_for(len(CORPUS)))


@test("splunk-udp/bare-rsyslog", "F")
def bare_rsyslog(stage):
    """The line without a tag is all of rsyslog's `$rawmsg-after-pri`."""
    daemon = Rsyslog(stage, ["signal", "args", "error", "exit_code", "metadata.text", "name", "version"])
    send_corpus(stage, daemon, line="bare")
    check_corpus(daemon.wait_for(len(CORPUS)))


@test("splunk-udp/same-keys", "F")
def same_keys(stage):
    """Keys that are the same on this wire are told apart: no reader loses one."""
    receiver = stage.closes(DatagramReceiver())
    stage.manifest(receiver.url, kind="splunk_udp")
    stage.helper("track", "x", "--property", "a b=1", "--property", "a_b=2", "--property", "a=3", "--property", "a;b=4")
    stage.helper("deliver", "--now")
    [event] = receiver.wait_for(1)
    check_equal(["1", "2", "3", "4"], sorted(value for key, value in event.items() if key.startswith("metadata.")), f"values of {event}")


@test("splunk-udp/nul", "F")
def nul(stage):
    """No text of an event holds a NUL, at which daemons written in C would stop."""
    receiver = stage.closes(DatagramReceiver())
    stage.manifest(receiver.url, kind="splunk_udp")
    done = subprocess.run([f"{BUILD}/bin/telemetry", "track", "x", "--tool", stages.TOOL, "--properties", "-"], env=stage.environment, cwd=stage.root,
                          input='{"text":"a\\u0000b"}', capture_output=True, text=True, timeout=60)
    stage.helper("deliver", "--now", expected=None)
    found = [event.get("metadata.text") for event in receiver.events()]
    check(b"\0" not in b"".join(receiver.all()), f"a NUL in {receiver.all()}")
    return f"the helper ended with {done.returncode} ({done.stderr.strip()}), and sent {found}"


@test("splunk-udp/long", "F C9")
def long(stage):
    """No datagram is longer than 1,400 bytes; a longer event says truncated=true, and its beginning is right."""
    receiver = stage.closes(DatagramReceiver())
    texts = ["é" * 500, "\n" * 1000, "😀" * 250, "x" * 380]
    through_c(stage, "splunk_udp", "large=64000", *[f"text={text}" for text in texts], "track=1", endpoint=receiver.url)
    first, *events, last = receiver.wait_for(6)
    check_equal(("true", None), (first.get("truncated"), last.get("truncated")), "truncated")
    check_equal(["large", "search"], [first["name"], last["name"]], "names")
    for text, event in zip(texts, events):
        check_equal("true", event.get("truncated"), f"truncated, of {text[:3]!r}")
        check(all(text.startswith(event[key]) and len(event[key].encode()) > 100 for key in ("metadata.text", "args", "error")), event)
    stage.expect(6, delivered=6)


@test("splunk-udp/shown", "B1 B3 E7")
def shown(stage):
    """What `show --wire` prints is what is sent; `status` says at-most-once, whatever the author chose."""
    receiver = stage.closes(DatagramReceiver())
    stage.send(*manifest(stage, receiver.url, 3), "close=0")
    check_equal([], receiver.all(), "datagrams before they are shown")
    printed = stage.helper("show", "--wire")
    check("at-most-once" in stage.helper("status"), stage.helper("status"))
    check_equal("at-most-once", stage.status()["backends"][0]["guarantee"], "what status --json says")
    stage.helper("deliver", "--now")
    datagrams = b"".join(receiver.all()).decode()
    check(datagrams and datagrams in printed, f"shown {printed!r}, sent {datagrams!r}")
    check_equal(["0", "1", "2"], [event["metadata.sequence"] for event in receiver.events()], "in their order")
