"""One cell of the matrix: a backend, a fault and a guarantee; what was seen, as facts."""
import json
import os
from collections import Counter

import faults
import stage as stages
from sink import Sink
from spool_reader import Spool
from suite import Skipped
from wires import KEY

COUNT = 12
GRACE_MS = 50
NAME_SERVER = "127.83.0.7"
HOST = "telemetry.example.com"
# Receivers that answer, or fail at once, have time enough; a request that nobody answers is given up long before.
PATIENT_MS, REQUEST_MS = 5000, 400
# Nobody is there and the request would wait for 5 s: only the deadline ends that.
SHORT_MS = 250
STATUS = {stages.OK: "ok", stages.TIMEOUT: "timeout", stages.DELIVERY: "delivery"}


class Fault:
    """How a receiver fails, and how that ends."""

    def __init__(self, mode=None, close_ms=PATIENT_MS, request_ms=None, **sink):
        self.mode, self.close_ms, self.request_ms, self.sink = mode, close_ms, request_ms, sink

    def begin(self, stage, wire):
        """The receiver, and what a program is run with while it fails."""
        sink = stage.closes(Sink(wire, **self.sink))
        if self.mode:
            sink.mode = self.mode
        return sink, sink.url(), {}

    def end(self, stage, sink):
        """What a program is run with afterwards."""
        sink.mode = ("accept",)
        return {}


class Refused(Fault):
    def __init__(self):
        super().__init__(is_open=False)

    def end(self, stage, sink):
        sink.open()
        return {}


class BlackHole(Refused):
    def __init__(self):
        Fault.__init__(self, close_ms=SHORT_MS, is_full=True)

    def begin(self, stage, wire):
        sink, url, options = super().begin(stage, wire)
        if not sink.swallows():
            raise Skipped("a full queue does not swallow connection attempts here")
        return sink, url, options


class BadTLS(Fault):
    """The receiver's authority is not among those that the program trusts."""

    def begin(self, stage, wire):
        sink = stage.closes(Sink(wire, certificate=stage.certificate("here")))
        return sink, sink.url(), {"environment": {"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}}


class DeadResolver(Fault):
    """The name server gets every question and answers none; afterwards the name is known without it."""

    def __init__(self):
        super().__init__(close_ms=SHORT_MS)

    def begin(self, stage, wire):
        sink = stage.closes(Sink(wire))
        return sink, sink.url(HOST), {"wrapper": self.mounts(stage, {
            "resolv.conf": f"nameserver {NAME_SERVER}\n", "nsswitch.conf": "hosts: files dns\n"})}

    def end(self, stage, sink):
        return {"wrapper": self.mounts(stage, {"hosts": f"127.0.0.1 {HOST}\n", "nsswitch.conf": "hosts: files\n"})}

    @staticmethod
    def mounts(stage, files):
        commands = []
        for name, text in files.items():
            path = stage.path(f"{name}-{len(os.listdir(stage.root))}")
            with open(path, "w") as file:
                file.write(text)
            commands.append(f"mount --bind {path} $(readlink -f /etc/{name})")
        return ["unshare", "-m", "sh", "-ec", "; ".join(commands) + '; exec "$@"', "sh"]


FAULTS = {
    "500": Fault(("status", 500)),
    "429": Fault(("status", 429)),
    "408": Fault(("status", 408)),
    "503": Fault(("status", 503)),
    "413": Fault(("limit", 3)),
    "400": Fault(("status", 400)),
    "400-one": Fault(("invalid",)),
    "404-table": Fault(("status", 404, b"Code: 60. DB::Exception: Table x does not exist. (UNKNOWN_TABLE)")),
    "200-code": Fault(("late", b"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)")),
    "401": Fault(("status", 401)),
    "403": Fault(("status", 403)),
    "421": Fault(("status", 421)),
    "425": Fault(("status", 425)),
    "303": Fault(("redirect", 303)),
    "307-key": Fault(("redirect", 307)),
    "page": Fault(("page",)),
    "410": Fault(("status", 410)),
    "timeout": Fault(("hang",), request_ms=REQUEST_MS),
    "body": Fault(("body",)),
    "refused": Refused(),
    "dns": DeadResolver(),
    "tls": BadTLS(),
    "black-hole": BlackHole(),
}


class Cell:
    """`facts` has the columns of expected.tsv; `wrong` what holds of every cell and does not of this."""

    def __init__(self, shared, wire, fault, guarantee):
        self.shared, self.wire, self.fault, self.guarantee = shared, wire, fault, guarantee
        self.name = f"{wire.name}/{fault}/{guarantee}"
        self.facts, self.wrong, self.skipped = {}, [], None
        self.late_ms = 0

    def run(self):
        with stages.Stage(self.shared) as stage:
            try:
                self._run(stage)
            except Skipped as reason:
                self.skipped = str(reason)
            except Exception as error:  # a cell that fails is a wrong cell
                self.wrong.append(f"{type(error).__name__}: {error}")
        return self

    def _run(self, stage):
        stage.records = self.wire.records
        fault = FAULTS[self.fault]
        sink, url, options = fault.begin(stage, self.wire)
        self._write_manifest(stage, url, fault)
        done = stage.send(f"manifest={stage.path('manifest.json')}", f"track={COUNT}", f"close={fault.close_ms}", **options)
        status, milliseconds = done["close"]
        self.milliseconds = float(milliseconds)
        self.late_ms = max(0, self.milliseconds - fault.close_ms - GRACE_MS)
        text, counts = self._counts(stage)
        self.facts = {"close": STATUS.get(int(status), status), "failures": Spool(stage.spool).control.failures,
                      "requests": len(sink.requests), **counts}
        self._check("while it fails", stage, sink, text, counts)
        options = fault.end(stage, sink)
        # A receiver that does all it can may take long on a busy machine.
        self._write_manifest(stage, url, Fault())
        self._later(stage, sink, options)

    def _write_manifest(self, stage, url, fault):
        backend = {**self.wire.backend, "endpoint": url, "allow_http": True}
        if fault.request_ms:
            backend["timeout_ms"] = fault.request_ms
        with open(stage.path("manifest.json"), "w") as file:
            json.dump({"tool": {"name": stages.TOOL}, "backend": backend, "identity": {"ephemeral": "never"},
                       "delivery": {"guarantee": self.guarantee}}, file)

    def _helper(self, stage, *arguments, wrapper=()):
        done = stages.completed_alone([*wrapper, f"{stages.BUILD}/bin/telemetry", *arguments, "--manifest", stage.path("manifest.json")],
                                      env=stage.environment, cwd=stage.root)
        return done.returncode, done.stdout, done.stderr

    def _counts(self, stage):
        """What status says, as text and as the columns; E12."""
        text = self._helper(stage, "status", "--json")[1]
        recorded, delivered, pending, dropped = stage.records.counts(json.loads(text), stage.spool)
        if recorded != COUNT:
            self.wrong.append(f"{recorded} are counted as recorded")
        return text, {"delivered": delivered, "pending": pending,
                      "dropped": reasons_text(dropped)}

    def _later(self, stage, sink, options):
        """The fault is lifted, and a later process delivers what was kept."""
        code, _, errors = self._helper(stage, "deliver", "--now", **options)
        text, counts = self._counts(stage)
        self.facts["later"] = counts["delivered"]
        if code != 0:
            self.wrong.append(f"deliver ended with {code}: {errors.strip()}")
        if counts["pending"]:
            self.wrong.append(f"{counts['pending']} {stage.records} are still kept")
        self._check("afterwards", stage, sink, text + errors, counts)

    def _check(self, when, stage, sink, text, counts):
        taken = sink.accepted()
        if sink.problems():
            self.wrong.append(f"{when}: malformed requests: {sink.problems()[:2]}")
        if len(taken) != counts["delivered"]:
            self.wrong.append(f"{when}: {len(taken)} {stage.records} accepted, {counts['delivered']} counted as delivered")
        # At least once: exactly once, where no process dies. At most once: not even maybe a second time.
        if [identity for identity, times in taken.items() if times > 1]:
            self.wrong.append(f"{when}: accepted more than once: {taken}")
        if self.guarantee == "at-most-once" and [each for each, times in sink.seen().items() if times > 1]:
            self.wrong.append(f"{when}: sent more than once: {sink.seen()}")
        text += self._shown(when, stage, taken, counts)
        if KEY in text:
            self.wrong.append(f"{when}: the key in {text}")

    def _shown(self, when, stage, taken, counts):
        """B3: what waits is shown, and what was sent with what came of it; the audit log holds, and no file has the key.
        All that is said, as text."""
        waiting, wire, sent, verified = (self._helper(stage, "show", *stage.records.options, *words)
                                         for words in (["--json"], ["--wire"], ["--sent", "--json"], ["--sent", "--verify"]))
        if len(waiting[1].splitlines()) != counts["pending"]:
            self.wrong.append(f"{when}: {counts['pending']} are kept, and shown is {waiting[1] or waiting[2]}")
        if bool(wire[1]) != bool(counts["pending"]):
            self.wrong.append(f"{when}: {counts['pending']} are kept, and the next requests are {wire[1] or wire[2]}")
        entries = [json.loads(line) for line in sent[1].splitlines()]
        accepted = sorted(stage.records.shown_identity(each["event"]) for each in entries if each["outcome"] == "accepted")
        if accepted != sorted(taken):
            self.wrong.append(f"{when}: shown as accepted is {accepted} ({sent[2]}), and {sorted(taken)} was")
        refused = Counter(each["outcome"] for each in entries if each["outcome"] != "accepted")
        if counts["dropped"] != reasons_text(refused):
            self.wrong.append(f"{when}: dropped is {counts['dropped']}, and shown as sent is {dict(refused)}")
        if verified[0] != 0:
            self.wrong.append(f"{when}: the audit log does not hold: {verified[1]}{verified[2]}")
        for name in os.listdir(stage.spool):
            path = os.path.join(stage.spool, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    if KEY.encode() in file.read():
                        self.wrong.append(f"{when}: the key in {name}")
        return "".join(each for _, out, errors in (waiting, wire, sent, verified) for each in (out, errors))


def reasons_text(counts):
    return ",".join(f"{reason}={count}" for reason, count in sorted(counts.items())) or "-"


def explain(facts):
    """One line for the table."""
    return (f"close {facts['close']:8} requests {facts['requests']}  failures {facts['failures']}  delivered {facts['delivered']:2}  "
            f"kept {facts['pending']:2}  dropped {facts['dropped']:14}  delivered later {facts.get('later', '-'):2}")
