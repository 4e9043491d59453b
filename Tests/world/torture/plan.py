"""What a round does, drawn from its seed: a plan is plain data, so that a failure can print all of it."""
import random

YEAR = 365 * 86400
KINDS = {"http": "/events", "otlp": "/v1/logs", "datadog": "/api/v2/logs", "posthog": "/batch/", "segment": "/v1/batch",
         "splunk_hec": "/services/collector/event"}
REFUSALS = [{"DO_NOT_TRACK": "1"}, {"TORTURE_NO_TELEMETRY": "1"}, {"TORTURE_TELEMETRY_ENABLED": "0"}, {"CI": "true"}]
# A refusal for good: what was sent is counted as rejected.
FINAL = (400, 404, 405, 410, 415, 422)
# Not now, or only after somebody has mended something.
LATER = (401, 403, 408, 421, 425, 429, 500, 502, 503, 504)


class Draw(random.Random):
    def maybe(self, share):
        return self.random() < share

    def some(self, low, high):
        """More often little than much."""
        return int(low + (high - low) * self.random() ** 3)


def answer(draw, away):
    name = draw.choice(["ok", "ok", "later", "final", "redirect", "away", "reset", "truncated", "half", "hang", "late", "garbage"])
    return {"later": lambda: ("status", draw.choice(LATER), *([draw.choice([0, 1, 2])] if draw.maybe(0.5) else [])),
            "final": lambda: ("status", draw.choice(FINAL)),
            "redirect": lambda: ("redirect", draw.choice([301, 302, 303, 307, 308]), "/moved"),
            "away": lambda: ("redirect", draw.choice([301, 302, 303, 307, 308]), away + "/elsewhere"),
            "reset": lambda: ("reset", draw.choice(["before", "body", "after"])),
            "late": lambda: ("late", draw.choice([0.05, 0.3, 0.8]))}.get(name, lambda: (name,))()


def limits(draw):
    """Limits of the process, as names of resource.RLIMIT_*."""
    return draw.choice([{"NOFILE": draw.choice([8, 10, 12, 14, 16, 24])}, {"NOFILE": draw.choice([32, 64])}, {"FSIZE": draw.choice([0, 4096, 65536, 300000])},
                        {"NPROC": draw.choice([1, 2, 4])}, {"AS": draw.choice([32, 64, 128, 256]) << 20}, {"STACK": draw.choice([64, 256]) << 10},
                        {"DATA": draw.choice([4, 16, 64]) << 20}])


# Receivers of spans: where, and what a manifest says beside it. In JSON, so that a round can read what has come.
SPAN_KINDS = {"zipkin": ("/api/v2/spans", {}), "otlp": ("/v1/traces", {"signals": "spans", "protocol": "http/json"})}


def recorder(draw, number, is_detached, has_consent, has_spans):
    """One program: how it is run, and what it does."""
    plan = {"as": number, "umask": draw.choice([0o022] * 6 + [0, 0o077, 0o177, 0o777]), "low": draw.choice([0] * 6 + list(range(1, 8))),
            "limits": limits(draw) if draw.maybe(0.2) else {}, "shift": [0, 0], "slow": draw.choice([0] * 8 + [1000, 5000]),
            "start": draw.choice([0, 0, 0.05, 0.3]), "kill": None, "stop": None}
    if draw.maybe(0.2):
        plan["shift"] = [draw.choice([-60 * YEAR, -5 * YEAR, -86400, -3600, 3600, 86400, 5 * YEAR, 60 * YEAR]), draw.choice([0, 0, 100])]
    if draw.maybe(0.15):
        plan["kill"] = round(draw.uniform(0, 1.2), 3)
    if draw.maybe(0.15):
        begin = draw.uniform(0, 0.8)
        plan["stop"] = [round(begin, 3), round(begin + draw.uniform(0.05, 1.5), 3)]
    if draw.maybe(0.2):
        plan["kind"] = "helper"
        # The shell that runs it has to live, too.
        plan["limits"] = {name: value for name, value in plan["limits"].items() if name in ("FSIZE", "STACK")}
        plan["actions"] = [["track", draw.some(1, 8)]]
        return plan
    plan["kind"] = "detached" if is_detached else "c"
    actions = []
    for _ in range(draw.randint(1, 5)):
        actions.append(draw.choice([
            lambda: ["track", draw.some(1, 1500)], lambda: ["track", draw.some(1, 40)], lambda: ["track", draw.some(1, 40)],
            lambda: ["threads", f"{draw.randint(1, 4)},{draw.some(1, 600)}"], lambda: ["join", ""],
            lambda: ["fork", f"{draw.some(0, 60)},{draw.choice([-1, 0, 50, 400])},{draw.choice([0, 1])}"],
            lambda: ["flush", draw.choice([0, 20, 200, 600])], lambda: ["sleep", draw.some(1, 500)], lambda: ["error", "CANARY"],
            lambda: ["statistics", ""]])())
    if has_spans:
        for _ in range(draw.randint(1, 4)):
            actions.insert(draw.randint(0, len(actions)), draw.choice([
                lambda: ["spans", draw.some(1, 600)], lambda: ["spans", draw.some(1, 40)], lambda: ["begin", draw.some(1, 60)],
                lambda: ["begin", draw.some(1, 4)]])())
        actions.insert(0, ["spans", draw.some(1, 20)])
    # With a pause before each call, others' files are hit between the look at a descriptor and its use.
    place = draw.randint(0, len(actions)) if draw.maybe(0.08) else None
    if place is not None and not plan["slow"]:
        actions.insert(place, ["closefrom", ""])
    if has_consent and draw.maybe(0.05):
        actions.insert(draw.randint(0, len(actions)), ["drop", ""])
    if has_consent and draw.maybe(0.05):
        actions.insert(draw.randint(0, len(actions)), ["disable", ""])
    plan["actions"] = [["track", draw.some(1, 20)], *actions, ["join", ""], ["statistics", ""]]
    plan["close"] = draw.choice([0, 0, 30, 100, 300, 700])
    plan["exit"] = draw.choice([0, 0, 0, 3, 117])
    plan["leaves"] = draw.maybe(0.1)
    return plan


def make(seed, number, away):
    draw = Draw(f"{seed}:{number}")
    is_detached = draw.maybe(0.35)
    has_consent = draw.maybe(0.92)
    kind = draw.choice(["http"] * 5 + list(KINDS))
    plan = {"backend": kind, "guarantee": draw.choice(["at-least-once", "at-least-once", "at-most-once"]),
            "delivery": "detached" if is_detached else "in-process", "segment": draw.choice([8192, 65536, 262144, 262144]),
            "timeout": draw.choice([200, 600, 5000]), "gzip": draw.maybe(0.2), "user": draw.choice([0, 20000 + number % 20000]),
            "refusal": None if has_consent else draw.choice([None, *REFUSALS]),
            "consent": has_consent, "answers": [], "disk": None, "removed": None, "disabled": None, "deliver": None,
            "second": None, "hunted": None, "spans": None, "span_answers": []}
    if draw.maybe(0.7):
        plan["answers"] = [answer(draw, away) for _ in range(draw.randint(1, 6))]
    if draw.maybe(0.2):
        plan["disk"] = draw.choice([["small", draw.choice([64, 200, 300, 600, 2000])], ["read-only"], ["full"]])
    if draw.maybe(0.06):
        plan["removed"] = round(draw.uniform(0, 0.8), 3)
    if has_consent and draw.maybe(0.2):
        begin = draw.uniform(0, 1.2)
        plan["disabled"] = [round(begin, 3), draw.choice([None, round(begin + draw.uniform(0.2, 1), 3)])]
    if draw.maybe(0.2):
        # A second receiver, which is always well.
        plan["second"] = draw.choice(list(KINDS))
    if draw.maybe(0.2):
        # Whatever runs of the helper by then is killed or stopped for a while.
        plan["hunted"] = [round(draw.uniform(0.05, 1.2), 3), draw.choice(["kill", "stop"])]
    if draw.maybe(0.2):
        plan["deliver"] = round(draw.uniform(0, 1), 3)
    if draw.maybe(0.6):
        plan["spans"] = draw.choice(list(SPAN_KINDS))
        if draw.maybe(0.6):
            plan["span_answers"] = [answer(draw, away) for _ in range(draw.randint(1, 6))]
    plan["recorders"] = [recorder(draw, each, is_detached, has_consent, bool(plan["spans"])) for each in range(draw.choice([1, 1, 1, 2, 3, 4]))]
    return plan
