"""Receivers that fail: nothing is lost, and nobody is pestered."""
import time
from datetime import datetime, timezone
from email.utils import formatdate

import faults
from stage import DELIVERY, check_once, wait_until
from suite import check, check_equal, test

COUNT = 12


def next_attempt(status):
    """Seconds from now."""
    text = status["last_delivery"]["next_attempt"]
    check(text is not None, f"no next attempt in {status['last_delivery']}")
    moment = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return (moment - datetime.now(timezone.utc)).total_seconds()


def kept_then_delivered(stage, endpoint, heal):
    """One process fails to deliver and keeps the events; heal() gives a receiver; a later one delivers."""
    done = stage.send(f"endpoint={endpoint}", "timeout=400", f"track={COUNT}", "close=2000")
    check_equal(str(DELIVERY), done["close"][0], "what close returned")
    status = stage.expect(COUNT, pending=COUNT)
    check_equal(1, status["last_delivery"]["consecutive_failures"], "failures in a row")
    check(status["last_delivery"]["last_error"], "there is no last error")
    check(0 < next_attempt(status) <= 5.1, f"the next attempt is in {next_attempt(status)} s")
    receiver = heal()
    stage.recover(receiver.url)
    check_once(receiver.accepted(), COUNT)
    after = stage.expect(COUNT, delivered=COUNT)["last_delivery"]
    check_equal((0, None, None), (after["consecutive_failures"], after["next_attempt"], after["last_error"]),
                "failures, next attempt and last error afterwards")


for NAME, MODE, TITLE in [
        ("500", "/status/500", "HTTP 500"), ("408", "/status/408", "HTTP 408"), ("502", "/status/502", "HTTP 502"),
        ("429", "/status/429", "HTTP 429"), ("reset", "/reset", "a reset instead of an answer"),
        ("hang", "/hang", "an answer that never comes"), ("slow", "/slow-header", "an answer that comes too slowly")]:
    def scenario(stage, mode=MODE):
        receiver = stage.receiver(mode)

        def heal():
            check_equal([COUNT], list(map(len, receiver.batches())), "batches before it recovered")
            receiver.mode("/status/200")
            return receiver
        kept_then_delivered(stage, receiver.url, heal)
    scenario.__doc__ = f"After {TITLE} the events are kept, and delivered by a later process."
    test(f"failures/{NAME}", "E6 E8 E12")(scenario)


@test("failures/refused", "E6 E8 E12")
def refused(stage):
    """After a refused connection the events are kept, and delivered by a later process."""
    port = faults.free_port()
    kept_then_delivered(stage, f"http://127.0.0.1:{port}/events", lambda: stage.receiver(port=port))


@test("failures/body", "E6 E8 E12")
def reset_in_body(stage):
    """After a reset in the middle of the body the events are kept, and delivered by a later process."""
    listener = stage.closes(faults.DiesInBody())

    def heal():
        check_equal(1, listener.connections, "connections before it recovered")
        return stage.receiver()
    kept_then_delivered(stage, f"http://127.0.0.1:{listener.port}/events", heal)


@test("failures/late", "E6 E12")
def killed_while_sending(stage):
    """A process killed while it sends loses nothing."""
    receiver = stage.receiver("/hang")
    child = stage.start(f"endpoint={receiver.url}", "track=7", "close=20000")
    wait_until(lambda: len(receiver.requests()) == 1, "the request has arrived")
    child.process.kill()
    child.process.wait()
    stage.expect(7, pending=7)
    receiver.mode("/status/200")
    stage.recover(receiver.url)
    check_once(receiver.accepted(), 7)
    stage.expect(7, delivered=7)


def asked_to_wait(stage, value, seconds):
    receiver = stage.receiver("/status/429?retry-after=" + value)
    stage.send(f"endpoint={receiver.url}", "track=3", "close=5000")
    wait = next_attempt(stage.expect(3, pending=3))
    check(seconds - 15 <= wait <= seconds + 2, f"asked to wait {seconds} s, the next attempt is in {wait} s")
    for _ in range(5):
        done = stage.send(f"endpoint={receiver.url}", "track=1", "close=1000")
        check_equal(str(DELIVERY), done["close"][0], "what close returned while it waits")
    stage.manifest(receiver.url)
    stage.helper("deliver", expected=4)
    check_equal(1, len(receiver.requests()), "requests while it was asked to wait")
    receiver.mode("/status/200")
    stage.recover(receiver.url)
    check_equal(8, len(receiver.accepted()), "events delivered")
    stage.expect(8, delivered=8)


@test("failures/retry-after-seconds", "E8 E12")
def retry_after_seconds(stage):
    """Retry-After in seconds is kept by every later process."""
    asked_to_wait(stage, "600", 600)


@test("failures/retry-after-date", "E8 E12")
def retry_after_date(stage):
    """Retry-After as an HTTP date is kept by every later process."""
    date = formatdate(time.time() + 900, usegmt=True)
    asked_to_wait(stage, date.replace(" ", "%20"), 900)


def hundred_processes(stage, port):
    start = time.monotonic()
    for _ in range(100):
        stage.send(f"endpoint=http://127.0.0.1:{port}/events", "track=1", "close=100")
    status = stage.expect(100, pending=100)
    # The first pause is at least 2.5 s, the second 5 s, and so on.
    return status, 1 + int((time.monotonic() - start) / 2.5)


@test("failures/pause", "E8 E12")
def pause(stage):
    """100 short processes share one backoff: a few connections in all, and status shows the next attempt."""
    listener = stage.closes(faults.Listener())
    status, allowed = hundred_processes(stage, listener.port)
    failures = status["last_delivery"]["consecutive_failures"]
    check(1 <= failures <= min(allowed, 5), f"{failures} attempts, at most {allowed} were due")
    # libcurl may try a reset connection a second time.
    check(1 <= listener.connections <= 2 * failures, f"{listener.connections} connections in {failures} attempts")
    check(next_attempt(status) > -1, f"the next attempt was due {next_attempt(status)} s from now")
    receiver = stage.receiver()
    stage.recover(receiver.url)
    check_equal(100, len({event["event_id"] for event in receiver.accepted()}), "events delivered")
    stage.expect(100, delivered=100)


@test("failures/pause-refused", "E8 E12")
def pause_refused(stage):
    """100 short processes share one backoff when the port is refused."""
    status, allowed = hundred_processes(stage, faults.free_port())
    failures = status["last_delivery"]["consecutive_failures"]
    check(1 <= failures <= min(allowed, 5), f"{failures} attempts, at most {allowed} were due")


@test("failures/pause-hang", "E8 E12")
def pause_hang(stage):
    """50 short processes share one backoff when the receiver never answers and none of them can wait for it."""
    receiver = stage.receiver("/hang")
    start = time.monotonic()
    for _ in range(50):
        stage.send(f"endpoint={receiver.url}", "track=1", "close=60")
    status = stage.expect(50, pending=50)
    failures = status["last_delivery"]["consecutive_failures"]
    allowed = 1 + int((time.monotonic() - start) / 2.5)
    check(1 <= failures <= min(allowed, 5), f"{failures} attempts, at most {allowed} were due")
    check(len(receiver.requests()) <= failures, f"{len(receiver.requests())} requests in {failures} attempts")
    check_equal("no answer in the time that the program had", status["last_delivery"]["last_error"], "last error")
    receiver.mode("/status/200")
    stage.recover(receiver.url)
    check_equal(50, len({event["event_id"] for event in receiver.accepted()}), "events delivered")
    stage.expect(50, delivered=50)
