"""Answers that decide about events: refused, too large, never again; and at most once."""
import json

import faults
from stage import DELIVERY, OK, check_once, wait_until
from suite import check, check_equal, test


@test("verdicts/rejected", "B1 E8 E12")
def rejected(stage):
    """A batch that is answered 400 is dropped, counted, and not sent again; status and doctor say why until one is taken."""
    receiver = stage.receiver("/status/400")
    stage.send(f"endpoint={receiver.url}", "track=5", "close=5000")
    last = stage.expect(5, rejected=5)["last_delivery"]
    check_equal((0, None, None, "HTTP 400"), tuple(last[name] for name in ("consecutive_failures", "next_attempt", "last_success", "last_error")),
                "the last delivery")
    check("rejected for good" in stage.helper("doctor", "--offline", expected=None), "doctor says nothing of it")
    receiver.mode("/status/200")
    stage.send(f"endpoint={receiver.url}", "track=2", "close=5000")
    check_equal([5, 2], list(map(len, receiver.batches())), "batches")
    check_equal(None, stage.expect(7, delivered=2, rejected=5)["last_delivery"]["last_error"], "last error")


@test("verdicts/split", "E8 E12")
def split(stage):
    """A batch that is answered 413 is halved until the receiver takes it; each event arrives once."""
    receiver = stage.receiver("/limit/10")
    done = stage.send(f"endpoint={receiver.url}", "track=100", "close=10000")
    check_equal(str(OK), done["close"][0], "what close returned")
    check_once(receiver.accepted(), 100)
    taken = [len(json.loads(request["body"])) for request in receiver.requests() if request["answer"] == 200]
    check(max(taken) <= 10 < 2 * max(taken), f"sizes of the batches taken: {taken}")
    stage.expect(100, delivered=100)


@test("verdicts/too-large", "E8 E12")
def too_large(stage):
    """An event that alone is answered 413 is dropped and counted."""
    receiver = stage.receiver("/limit/0")
    stage.send(f"endpoint={receiver.url}", "track=4", "close=5000")
    check_equal([4, 2, 1, 1, 1, 1], list(map(len, receiver.batches())), "sizes of the batches")
    stage.expect(4, rejected=4)


@test("verdicts/early-413", "E8 E12")
def early_413(stage):
    """A 413 that comes before the body was read counts as one."""
    receiver = stage.receiver("/early-413")
    stage.send(f"endpoint={receiver.url}", "track=2", "close=5000")
    check_equal(3, len(receiver.requests()), "requests")
    stage.expect(2, rejected=2)


@test("verdicts/gone", "E8 E12")
def gone(stage):
    """After 410 nobody asks again, and the events stay until the user erases them or insists."""
    receiver = stage.receiver("/status/410")
    done = stage.send(f"endpoint={receiver.url}", "track=5", "close=5000")
    check_equal(str(DELIVERY), done["close"][0], "what close returned")
    receiver.mode("/status/200")
    stage.manifest(receiver.url)
    for _ in range(5):
        stage.send(f"endpoint={receiver.url}", "track=1", "close=1000")
    stage.helper("deliver", expected=4)
    check_equal(1, len(receiver.requests()), "requests after it was gone")
    stage.expect(10, pending=10)
    stage.helper("deliver", "--now")
    stage.expect(10, delivered=10)


@test("verdicts/once-lost", "E7 E12")
def once_lost(stage):
    """At most once: what a receiver took and died over is not sent again, and counted as unconfirmed."""
    listener = stage.closes(faults.DiesAfterRequest())
    stage.send(f"endpoint=http://127.0.0.1:{listener.port}/events", "guarantee=most", "track=6", "close=5000")
    check_equal([6], [len(json.loads(body)) for body in listener.requests], "batches that the first receiver took")
    stage.expect(6, unconfirmed=6)
    receiver = stage.receiver()
    stage.recover(receiver.url)
    check_equal([], receiver.requests(), "requests afterwards")
    stage.expect(6, unconfirmed=6)


@test("verdicts/once-killed", "E7 E12")
def once_killed(stage):
    """At most once: what a process was sending when it was killed is not sent again."""
    receiver = stage.receiver("/hang")
    child = stage.start(f"endpoint={receiver.url}", "guarantee=most", "track=6", "close=20000")
    wait_until(lambda: len(receiver.requests()) == 1, "the request has arrived")
    child.process.kill()
    child.process.wait()
    receiver.mode("/status/200")
    stage.recover(receiver.url)
    check_equal([6], list(map(len, receiver.batches())), "batches")
    stage.expect(6, unconfirmed=6)


@test("verdicts/once-delivered", "E7 E12")
def once_delivered(stage):
    """At most once: what was accepted counts as delivered."""
    receiver = stage.receiver()
    stage.send(f"endpoint={receiver.url}", "guarantee=most", "track=1500", "close=10000")
    check_once(receiver.accepted(), 1500)
    stage.expect(1500, delivered=1500)


@test("verdicts/redirect", "E6 E12")
def redirect(stage):
    """A redirect is followed as a POST; another origin does not get the author's headers."""
    target = stage.receiver()
    source = stage.receiver(f"/redirect/302?to=http://127.0.0.1:{target.port}/status/200")
    stage.send(f"endpoint={source.url}", "header=X-Api-Key: canary", "track=3", "close=5000")
    check("canary" in json.dumps(source.requests()), "the origin itself has not got the header")
    check("canary" not in json.dumps(target.requests()), "another origin has got the header")
    check_once(target.accepted(), 3)
    stage.expect(3, delivered=3)


@test("verdicts/loop", "E6 E12")
def loop(stage):
    """Redirects without end are given up after ten, and the events are kept."""
    receiver = stage.receiver("/loop")
    stage.send(f"endpoint=http://127.0.0.1:{receiver.port}/loop", "track=3", "close=5000")
    check_equal(11, len(receiver.requests()), "requests")
    stage.expect(3, pending=3)


@test("verdicts/endless-body", "E12")
def endless_body(stage):
    """A body without end is cut off: it costs neither time nor memory, and the 200 before it counts."""
    receiver = stage.receiver("/endless")
    child = stage.start(f"endpoint={receiver.url}", "track=3", "close=20000", "mapped=", "exit=0",
                        wrapper=["prlimit", f"--as={256 << 20}"])
    out, err = child.process.communicate(timeout=10)
    check_equal((0, ""), (child.process.returncode, err), "exit code and error output of the sender")
    check_equal(str(OK), out.split()[1], "what close returned")
    check_equal(1, len(receiver.requests()), "requests")
    stage.expect(3, delivered=3)


@test("verdicts/cut-page", "E8 E12")
def cut_page(stage):
    """The header of a page whose text never comes is no acceptance."""
    receiver = stage.receiver("/cut-page")
    stage.send(f"endpoint={receiver.url}", "track=3", "close=5000")
    check_equal(1, len(receiver.requests()), "requests")
    stage.expect(3, pending=3)


@test("verdicts/endless-header", "E12")
def endless_header(stage):
    """A header without end is cut off, and the events are kept."""
    receiver = stage.receiver("/endless-header")
    done = stage.send(f"endpoint={receiver.url}", "timeout=20000", "track=3", "close=20000")
    check_equal(str(DELIVERY), done["close"][0], "what close returned")
    stage.expect(3, pending=3)
