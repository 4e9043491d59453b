"""One round: a world, its recorders, what happens to them meanwhile, and what must hold afterwards."""
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import plan as plans
from sink import TAKEN, TOKEN, UNKNOWN, Sink

TOOL = "torture"
GRACE_S = 0.05
CANARY = "canary-zebra-lagoon"
KEY = "key-zebra-lagoon"


class Recorder:
    """A started program, and what it has said."""

    def __init__(self, round_, plan):
        self.round, self.plan = round_, plan
        self.acknowledged, self.reports, self.refused = [], [], []
        self.killed = False
        self.stops = []
        self.errors = tempfile.TemporaryFile()
        self.process = None

    def start(self):
        reader, writer = os.pipe()
        try:
            self.process = subprocess.Popen(self.command(writer), env=self.environment(), cwd=self.round.path("work"), pass_fds=[writer],
                                            stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors, preexec_fn=self.prepare)
        except (OSError, subprocess.SubprocessError) as error:
            # No limit may keep a program from starting, except that the kernel refuses it.
            self.round.notes.append(f"recorder {self.plan['as']} was not started: {error}")
            self.process = subprocess.Popen(["sh", "-c", f"exit {self.plan.get('exit', 0)}"])
        os.close(writer)
        self.thread = threading.Thread(target=self.read, args=(reader,), daemon=True)
        self.thread.start()

    def prepare(self):
        os.umask(self.plan["umask"])
        for name, value in self.plan["limits"].items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
        if self.round.plan["user"]:
            os.setgroups([])
            os.setgid(self.round.plan["user"])
            os.setuid(self.round.plan["user"])

    def environment(self):
        extra = {}
        shims = []
        if self.plan["shift"][0]:
            shims.append(self.round.shared.clock)
            extra |= {"TORTURE_SHIFT": str(self.plan["shift"][0]), "TORTURE_SHIFT_AFTER": str(self.plan["shift"][1])}
        if self.plan["slow"]:
            shims.append(self.round.shared.slow)
            extra["TORTURE_SLOW"] = str(self.plan["slow"])
        if shims:
            extra["LD_PRELOAD"] = ":".join(shims)
        return {**self.round.environment, **(self.round.plan["refusal"] or {}), **extra}

    def command(self, writer):
        if self.plan["kind"] == "helper":
            script = ('i=0; while [ $i -lt "$2" ]; do a=$(telemetry track "step.$3.0.${i}x" --tool torture --json 2>/dev/null); s=$?; case $s$a in'
                      ' 0*\'"status":"ok"\'*|0*\'"status": "ok"\'*) echo "a step.$3.0.${i}x" >&"$1" ;; 0*) ;;'
                      ' *) echo "r {\\"problem\\": \\"track ended with $s\\"}" >&"$1" ;; esac; i=$((i+1)); done; echo "r {\\"end\\": true}" >&"$1"')
            return ["bash", "-c", script, "bash", str(writer), str(self.plan["actions"][0][1]), str(self.plan["as"])]
        actions = [["as", self.plan["as"]], ["low", self.plan["low"]], ["own", self.round.own], ["before", ""],
                   ["manifest", self.round.manifest]]
        if self.plan["kind"] == "detached":
            actions.append(["helper", self.round.shared.helper])
        actions.append(["open", ""])
        for name, value in self.plan["actions"]:
            value = {"CANARY": CANARY, }.get(value, value)
            actions.append([name, self.round.own if name == "closefrom" else value])
        if not self.plan["leaves"]:
            actions += [["close", self.plan["close"]], ["after", ""]]
        actions.append(["exit", self.plan["exit"]])
        return [self.round.shared.recorder, str(writer), *(f"{name}={value}" for name, value in actions)]

    def read(self, reader):
        with os.fdopen(reader, "rb") as file:
            for line in file:
                kind, _, rest = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
                if kind == "a":
                    self.acknowledged.append((rest.encode(), time.monotonic()))
                elif kind == "n":
                    self.refused.append(rest)
                elif kind == "r":
                    try:
                        self.reports.append(json.loads(rest))
                    except ValueError:
                        self.reports.append({"problem": f"a torn report: {rest}"})

    def signal(self, number):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.killed = True
            self.process.kill()

    def wait(self):
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.round.fault(f"recorder {self.plan['as']} hangs: {self.where()}")
            self.killed = True
            self.process.kill()
            self.process.wait()
        self.thread.join(10)

    def where(self):
        try:
            return "; ".join(open(f"/proc/{self.process.pid}/task/{task}/wchan").read() for task in os.listdir(f"/proc/{self.process.pid}/task"))
        except OSError:
            return "unknown"

    def texts(self):
        self.errors.seek(0)
        return self.errors.read()


class Round:
    def __init__(self, shared, seed, number):
        self.shared, self.seed, self.number = shared, seed, number
        self.faults, self.late, self.notes = [], [], []
        # Those of events, that of spans, and another origin.
        self.sink, self.second, self.traces, self.away = Sink(), Sink(), Sink(), Sink()
        self.receivers = [self.sink, self.second, self.traces]
        self.plan = plans.make(seed, number, self.away.origin)
        self.root = tempfile.mkdtemp(prefix="telemetry-torture-")
        os.chmod(self.root, 0o755)
        self.mounts = []
        self.removed_at = None
        self.hunted = []
        self.deliverer = None
        self.disabled = False
        self.was_disabled = False

    def fault(self, text):
        self.faults.append(text)

    def path(self, *names):
        return os.path.join(self.root, *names)

    @property
    def state(self):
        return self.path("home", ".local", "state", "telemetry", TOOL)

    @property
    def manifest(self):
        return self.path("home", ".local", "share", "telemetry", "tools", TOOL + ".yaml")

    @property
    def own(self):
        return self.path("work", "own")

    # The world

    def make(self):
        user = self.plan["user"]
        for name in ("home", "work"):
            os.mkdir(self.path(name), 0o755)
        disk = self.plan["disk"]
        if disk:
            size = disk[1] if disk[0] == "small" else 8000
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k,mode=755", "tmpfs", self.path("home")], check=True)
            self.mounts.append(self.path("home"))
        with open(self.own, "w") as file:
            file.write("the program's own\n")
        self.environment = {"PATH": f"{self.shared.build}/bin:/usr/bin:/bin", "LD_LIBRARY_PATH": f"{self.shared.build}/lib", "LANG": "C.UTF-8",
                            "HOME": self.path("home")}
        self.write_manifest(self.plan["timeout"])
        if self.plan["consent"]:
            self.write(self.path("home", ".config", "telemetry", TOOL, "enabled"), "true\n")
        elif self.plan["refusal"] is not None and "CI" not in self.plan["refusal"]:
            self.write(self.path("home", ".config", "telemetry", TOOL, "enabled"), "true\n")
        for directory, _, files in [*os.walk(self.path("home")), *os.walk(self.path("work"))]:
            for each in (directory, *(os.path.join(directory, file) for file in files)):
                os.chown(each, user, user)
        if disk and disk[0] == "full":
            try:
                with open(self.path("home", "fill"), "wb") as file:
                    while True:
                        file.write(b"x" * 65536)
            except OSError:
                pass
        if disk and disk[0] == "read-only":
            subprocess.run(["mount", "-o", "remount,ro", self.path("home")], check=True)

    def write_manifest(self, timeout_ms):
        backends = [{"kind": kind, "name": name, "endpoint": sink.origin + plans.KINDS[kind], "api_key": KEY, "timeout_ms": timeout_ms,
                     **({"compression": "gzip"} if self.plan["gzip"] else {})}
                    for name, kind, sink in (("first", self.plan["backend"], self.sink), ("second", self.plan["second"], self.second)) if kind]
        if self.plan["spans"]:
            path, more = plans.SPAN_KINDS[self.plan["spans"]]
            backends.append({"kind": self.plan["spans"], "name": "traces", "endpoint": self.traces.origin + path, "api_key": KEY,
                             "timeout_ms": timeout_ms, **more})
        places = {"backends": backends}
        if len(backends) == 1:
            del backends[0]["name"]
            places = {"backend": backends[0]}
        self.write(self.manifest, json.dumps({
            "tool": {"name": TOOL}, "identity": {"ephemeral": "never"}, **places,
            "delivery": {"mode": self.plan["delivery"], "guarantee": self.plan["guarantee"]},
            "limits": {"segment_bytes": self.plan["segment"]}}))

    def write(self, path, text):
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def room(self):
        """The disk has room again."""
        if self.plan["disk"]:
            subprocess.run(["mount", "-o", "remount,rw,size=200m", self.path("home")], check=True)
            if os.path.exists(self.path("home", "fill")):
                os.unlink(self.path("home", "fill"))

    def telemetry(self, *arguments, timeout=60):
        def prepare():
            if self.plan["user"]:
                os.setgroups([])
                os.setgid(self.plan["user"])
                os.setuid(self.plan["user"])
        try:
            return subprocess.run([self.shared.helper, *arguments, "--tool", TOOL], env=self.environment, cwd="/", stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=timeout, preexec_fn=prepare)
        except subprocess.TimeoutExpired:
            self.fault(f"telemetry {' '.join(arguments)}: not done after {timeout} s")
            return subprocess.CompletedProcess(arguments, -9, b"", b"")

    # What happens

    def events(self):
        """(seconds, what) in the order of time."""
        found = []
        for each in self.recorders:
            start = each.plan["start"]
            found.append((start, each.start))
            if each.plan["kill"] is not None:
                found.append((start + each.plan["kill"], each.kill))
            if each.plan["stop"]:
                found.append((start + each.plan["stop"][0], lambda each=each: self.stop(each)))
                found.append((start + each.plan["stop"][1], lambda each=each: self.go_on(each)))
        if self.plan["removed"] is not None:
            found.append((self.plan["removed"], self.remove_state))
        if self.plan["disabled"]:
            found.append((self.plan["disabled"][0], self.disable))
            if self.plan["disabled"][1] is not None:
                found.append((self.plan["disabled"][1], self.enable))
        if self.plan["hunted"]:
            found.append((self.plan["hunted"][0], self.hunt))
        if self.plan["deliver"] is not None:
            found.append((self.plan["deliver"], self.deliver))
        return sorted(found, key=lambda each: each[0])

    def deliver(self):
        """Beside the others: it may wait for one that was stopped, which is to go on."""
        self.deliverer = threading.Thread(target=self.telemetry, args=("deliver", "--now"), daemon=True)
        self.deliverer.start()

    def hunt(self):
        """The helpers that run now, but for those that a test waits for."""
        started = {each.process.pid for each in self.recorders if each.process}
        for pid in set(self.ours()) - started:
            try:
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")) != "telemetry":
                    continue
                os.kill(pid, signal.SIGKILL if self.plan["hunted"][1] == "kill" else signal.SIGSTOP)
                self.hunted.append(pid)
                if self.plan["hunted"][1] == "stop":
                    threading.Timer(1.0, self.release, [pid]).start()
            except OSError:
                pass

    @staticmethod
    def release(pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except OSError:
            pass

    def stop(self, recorder):
        recorder.stops.append([time.monotonic(), time.monotonic() + 3600])
        recorder.signal(signal.SIGSTOP)

    def go_on(self, recorder):
        recorder.signal(signal.SIGCONT)
        if recorder.stops:
            recorder.stops[-1][1] = time.monotonic() + 0.005

    def remove_state(self):
        if self.plan["disk"] != ["read-only"]:
            shutil.rmtree(self.path("home", ".local", "state"), ignore_errors=True)
            self.removed_at = time.monotonic()

    def disable(self):
        done = self.telemetry("disable")
        self.was_disabled = True
        if done.returncode == 0:
            self.disabled = True
            for each in self.receivers:
                each.forbid()
        elif not self.plan["disk"] and not self.hunted and not any(each.stops for each in self.recorders):
            self.fault(f"disable ended with {done.returncode}: {done.stderr.decode()}")

    def enable(self):
        if self.disabled:
            # What is on its way without leave has time to show.
            time.sleep(0.2)
            self.permit()
        self.disabled = self.telemetry("enable").returncode != 0 and self.disabled

    def permit(self):
        for each in self.receivers:
            each.permit()

    def run(self):
        self.make()
        self.before = self.tree()
        self.sink.set(*(map(tuple, self.plan["answers"] or [("ok",)])))
        self.traces.set(*(map(tuple, self.plan["span_answers"] or [("ok",)])))
        self.recorders = [Recorder(self, each) for each in self.plan["recorders"]]
        start = time.monotonic()
        for at, what in self.events():
            time.sleep(max(0, start + at - time.monotonic()))
            what()
        for each in self.recorders:
            each.wait()
        if self.deliverer:
            self.deliverer.join()
        self.wait_for_detached()
        self.check_health()
        self.check_deadlines()
        if not self.plan["consent"]:
            self.check_nothing()
        else:
            self.recover()
        self.check_privacy()

    def ours(self):
        """Processes of the helper in this world."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if f"HOME={self.path('home')}".encode() in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                pass
        return found

    def wait_for_detached(self):
        end = time.monotonic() + 30
        for sink, answers in ((self.sink, self.plan["answers"]), (self.traces, self.plan["span_answers"])):
            sink.set(answers[-1] if answers and answers[-1][0] != "hang" else ("ok",))
        while self.ours() and time.monotonic() < end:
            time.sleep(0.05)
        for pid in self.ours():
            self.notes.append(f"process {pid} still runs")
            os.kill(pid, signal.SIGKILL)

    # What must hold

    def check_health(self):
        for each in self.recorders:
            name = f"recorder {each.plan['as']} ({each.plan['kind']})"
            for report in each.reports:
                # A helper that was killed while it recorded has acknowledged nothing.
                if "problem" in report and not (self.hunted and report["problem"] == "track ended with 137"):
                    self.fault(f"{name}: {report['problem']}")
            if each.texts():
                self.fault(f"{name} has printed {each.texts()[:300]}")
            is_killed = each.killed and each.process.returncode == -signal.SIGKILL
            expected = each.plan.get("exit", 0)
            if not is_killed and each.process.returncode != expected and not self.excused(each):
                self.fault(f"{name} ended with {each.process.returncode}, not {expected}")
        with open(self.own) as file:
            if file.read() != "the program's own\n":
                self.fault("the program's own file is another")

    def excused(self, recorder):
        """The limits alone keep a program from starting: without room for its own libraries there is nothing to look at."""
        return bool(recorder.plan["limits"]) and not recorder.acknowledged and not recorder.reports and recorder.process.returncode in (1, 127, -6, -11)

    def check_deadlines(self):
        for each in self.recorders:
            slow = each.plan["slow"] / 1e6 * 40
            for report in each.reports:
                if "call" not in report:
                    continue
                start, end = report["start"], report["end"]
                stopped = sum(max(0, min(end, to) - max(start, begin)) for begin, to in each.stops)
                over = end - start - report["deadline"] / 1000 - report["delay"] - stopped - slow
                if over > GRACE_S:
                    self.late.append(f"recorder {each.plan['as']}: {report['call']}({report['deadline']}) took {(end - start) * 1000:.0f} ms, of which"
                               f" it waited {report['delay'] * 1000:.0f} ms for the processor and was stopped for {stopped * 1000:.0f}")

    def tree(self):
        return sorted(os.path.join(directory, file) for directory, _, files in os.walk(self.path("home")) for file in files)

    def check_nothing(self):
        if any(each.accepted for each in [*self.receivers, self.away]):
            self.fault("a connection without consent")
        if self.tree() != self.before:
            self.fault(f"files without consent: {set(self.tree()) - set(self.before)}")
        if any(each.acknowledged for each in self.recorders):
            self.fault("events or spans acknowledged without consent")

    def status(self):
        done = self.telemetry("status", "--json")
        try:
            return json.loads(done.stdout)
        except ValueError:
            self.fault(f"status ended with {done.returncode}: {done.stdout[:200]} {done.stderr[:300]}")
            return None

    def recover(self):
        """All that was wrong is over; what waits arrives."""
        self.room()
        self.sink.set(("ok",))
        self.traces.set(("ok",))
        # On a busy machine a receiver that does all it can may take long.
        self.write_manifest(20000)
        if self.disabled:
            time.sleep(0.1)
            self.check_erased()
            self.permit()
            self.telemetry("enable")
        elif self.was_disabled or any(["disable", ""] in each.plan["actions"] for each in self.recorders):
            self.telemetry("enable")
        for _ in range(4):
            done = self.telemetry("deliver", "--now")
            status = self.status()
            if not status or status["events"]["pending"] == 0 and (status["spans"] or {"pending": 0})["pending"] == 0:
                break
        if status:
            self.check_conservation(status, done)
            if self.plan["spans"] and status["spans"]:
                self.check_spans(status["spans"], done)

    def check_erased(self):
        for file in self.files():
            name = os.path.basename(file)
            if name.endswith(".seg") or name in ("control", "destinations"):
                with open(file, "rb") as opened:
                    if TOKEN.search(opened.read()):
                        self.fault(f"an event is in {name} after disable")

    def files(self):
        return [os.path.join(directory, file) for directory, _, files in os.walk(self.path("home")) for file in files]

    def has(self, *names):
        """Whether some recorder does one of these."""
        return any(name in names for each in self.recorders for name, _ in each.plan["actions"])

    def check_conservation(self, status, done):
        events = status["events"]
        dropped = {name: count for name, count in events["dropped_by_reason"].items() if count}
        if events["recorded"] != events["delivered"] + events["pending"] + events["dropped"]:
            self.fault(f"recorded is not delivered + pending + dropped: {events}")
        if events["pending"]:
            self.fault(f"{events['pending']} events are stuck: {done.returncode} {done.stderr.decode().strip()}; {status['last_delivery']}")
        # Of several receivers each has counts of its own; the totals are those of the one furthest behind.
        named = {backend["name"]: backend for backend in status["backends"]}
        first = named["first"] if self.plan["second"] else events
        arrived = {token for each in (self.sink, self.away) for token in each.tokens(TAKEN, UNKNOWN) if token.startswith(b"step")}
        extra = 30 * len(self.recorders) if self.has("error") else 0
        if first["delivered"] > len(arrived) + extra:
            self.fault(f"{first['delivered']} are said to be delivered, {len(arrived)} have arrived")
        lost = [(token, at, each) for each in self.recorders for token, at in each.acknowledged
                if token.startswith(b"step") and token not in arrived and not self.may_be_lost(each, token, at)]
        counted = first["dropped"] - dropped.get("corrupt", 0)
        if len(lost) > counted:
            sample = ", ".join(token.decode() for token, _, _ in lost[:5])
            self.fault(f"{len(lost)} acknowledged events are gone, {dropped or 'nothing'} counted ({events['recorded']} recorded, "
                       f"{events['delivered']} delivered, {len(arrived)} arrived): {sample}; it was in {self.sink.history(lost[0][0])}")
        if self.plan["second"]:
            there = set(self.second.tokens(TAKEN, UNKNOWN))
            missing = [token for each in self.recorders for token, at in each.acknowledged
                       if token.startswith(b"step") and token not in there and not self.may_be_lost(each, token, at)]
            counted = named["second"]["dropped"] - dropped.get("corrupt", 0)
            if len(missing) > counted:
                self.fault(f"{len(missing)} acknowledged events are not at the second receiver, which counts {named['second']}, "
                           f"{dropped or 'nothing'} counted in all: {missing[0].decode()}")
        for reason in set(dropped) - self.reasons():
            self.fault(f"{dropped[reason]} events dropped as {reason}, which nothing here explains")
        self.check_once(self.sink)

    def check_once(self, sink):
        if self.plan["guarantee"] == "at-most-once":
            tokens = sink.tokens(TAKEN, UNKNOWN)
            twice = {token for token in tokens if tokens.count(token) > 1} if len(tokens) != len(set(tokens)) else set()
            if twice:
                self.fault(f"at most once: {len(twice)} events or spans arrived twice, as {sorted(twice)[0].decode()}")

    def check_spans(self, spans, done):
        """Each span that has ended is there once and whole. One that nobody ended is abandoned, or absent where something took it."""
        if spans["recorded"] != spans["delivered"] + spans["pending"] + spans["dropped"]:
            self.fault(f"recorded is not delivered + pending + dropped: {spans}")
        if spans["pending"] or spans["open"]:
            self.fault(f"spans are stuck: {done.returncode} {done.stderr.decode().strip()}; {spans}")
        arrived = {token for each in (self.traces, self.away) for token in each.tokens(TAKEN, UNKNOWN) if not token.startswith(b"step")}
        extra = 30 * len(self.recorders) if self.has("error") else 0
        if spans["delivered"] > len(arrived) + extra:
            self.fault(f"{spans['delivered']} spans are said to be delivered, {len(arrived)} have arrived")
        lost = [token for each in self.recorders for token, at in each.acknowledged
                if not token.startswith(b"step") and token not in arrived and not self.may_span_be_lost(each, token, at)]
        if len(lost) > spans["dropped"]:
            self.fault(f"{len(lost)} acknowledged spans are gone, {spans}: {lost[0].decode()}; it was in {self.traces.history(lost[0])}")
        self.check_once(self.traces)
        self.check_abandoned()

    def may_span_be_lost(self, recorder, token, at):
        # Nobody reports where spans are kept: without room that is memory.
        if self.plan["disk"] or recorder.plan["limits"] or self.may_be_lost(recorder, token, at):
            return True
        # What was open is void with what waits, and was not yet counted. Closed files are taken for ones that were cut.
        return token.startswith(b"open") and (self.was_disabled or self.has("disable", "drop", "closefrom"))

    def check_abandoned(self):
        found = {}
        for name, identity, is_abandoned in self.received_spans():
            kept = found.setdefault(name, (identity, is_abandoned))
            if kept != (identity, is_abandoned):
                self.fault(f"two spans are {name}: {kept} and {(identity, is_abandoned)}")
            if is_abandoned != name.startswith("open."):
                acknowledged = any(name.encode() == token for each in self.recorders for token, _ in each.acknowledged)
                if not is_abandoned or acknowledged:
                    self.fault(f"{name} arrived {'as abandoned' if is_abandoned else 'as one that has ended'}")

    def received_spans(self):
        """(name, id, whether it is abandoned) of all that has come whole."""
        for body in self.traces.bodies():
            try:
                content = json.loads(body)
            except ValueError:
                continue
            for span in content if isinstance(content, list) else [span for resource in content["resourceSpans"]
                                                                   for scope in resource["scopeSpans"] for span in scope["spans"]]:
                if TOKEN.fullmatch(span["name"].encode()):
                    about = span.get("tags") or {each["key"]: each["value"] for each in span.get("attributes", [])}
                    yield span["name"], span.get("id") or span["spanId"], "telemetry.abandoned" in about

    def may_be_lost(self, recorder, token, at):
        """In memory only, for want of a directory, and the program was killed or left; or gone with the directory."""
        if self.removed_at is not None and at < self.removed_at + 2:
            return True
        # Without a spool a refusal is counted in memory alone.
        if self.plan["disk"] and (self.was_disabled or self.has("disable", "drop")):
            return True
        # Who may write no file erases all the same, and cannot count what.
        if any("FSIZE" in each.plan["limits"] and name in ("drop", "disable") for each in self.recorders for name, _ in each.plan["actions"]):
            return True
        in_memory = [report for report in recorder.reports if report.get("storage") == 2]
        limited = self.plan["disk"] or recorder.plan["limits"] or self.removed_at is not None
        # A forked child that leaves has nobody who reports on its storage.
        ended_early = recorder.killed or recorder.plan.get("leaves") or recorder.plan["kind"] == "helper" or token.split(b".")[2] != b"0"
        return bool(in_memory) or bool(limited and ended_early)

    def reasons(self):
        """For which events can be dropped in this round."""
        found = set()
        if any(each.killed for each in self.recorders) or self.hunted:
            found.add("corrupt")
        # Of a spool that was removed, and made anew by another process, what is still in memory does not go into the new one.
        if self.was_disabled or self.has("drop", "disable") or self.removed_at is not None:
            found.add("withdrawn")
        # Whose files were closed under it has memory alone until it has looked.
        if self.plan["disk"] or any(each.plan["limits"] for each in self.recorders) or self.removed_at is not None or self.has("closefrom"):
            found |= {"no_space", "spool_full"}
        if any(each[0] in ("status", "redirect") for each in self.plan["answers"]):
            found.add("rejected")
        if self.plan["guarantee"] == "at-most-once":
            found.add("unconfirmed")
        return found

    def check_privacy(self):
        for at, count, data in [leak for each in self.receivers for leak in each.leaks][:1]:
            self.fault(f"{count} bytes after disable had returned: {data!r}")
        for request in [request for each in [*self.receivers, self.away] for request in each.requests]:
            if CANARY.encode() in request.raw:
                self.fault("a message was sent that nobody may collect")
        for request in self.away.requests:
            if KEY.encode() in request.raw:
                self.fault(f"the key went to another origin ({self.plan['backend']})")
        for file in self.files():
            with open(file, "rb") as opened:
                if CANARY.encode() in opened.read():
                    self.fault(f"a message that nobody may collect is in {file}")

    def remove(self):
        for each in getattr(self, "recorders", []):
            if each.process and each.process.poll() is None:
                each.process.kill()
                each.process.wait()
        for pid in self.ours():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        for each in [*self.receivers, self.away]:
            each.close()
        for each in self.mounts:
            subprocess.run(["umount", "--lazy", each], check=False)
        shutil.rmtree(self.root, ignore_errors=True)
