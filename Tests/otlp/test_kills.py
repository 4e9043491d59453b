"""J9: what was acknowledged is there, whenever the receiver is killed."""
import collections
import json
import os
import random
import signal
import threading
import time

import messages
from suite import check, check_equal, test
from world import TOOL


@test("kills/acknowledged", "J9")
def acknowledged(world):
    """Killed a hundred times at any moment: everything acknowledged is there once, and nothing else twice"""
    # One identifier for all runs: they go on in the segments that others have left.
    world.manifest("http://127.0.0.1:9", kind="otlp", signals=["events", "spans"])
    generator = random.Random(9)
    sent = 0
    answered, unanswered = [], []
    for _ in range(100):
        receiver = world.otlp()
        end = threading.Timer(generator.uniform(0.002, 0.03), lambda: os.kill(receiver.process.pid, signal.SIGKILL))
        end.start()
        try:
            # Not more than the spool holds.
            for _ in range(25):
                names = [f"e{sent + n}" for n in range(20)]
                sent += 20
                unanswered += names
                answer = receiver.post(messages.logs(TOOL, *({"event_name": name} for name in names)))
                check_equal((0, ""), answer.rejected, "answer")
                receiver.post(messages.spans(TOOL, *({"name": name, "span_id": (1 + n).to_bytes(8, "big")} for n, name in enumerate(names))))
                answered += names
                del unanswered[-20:]
        except (AssertionError, BrokenPipeError, ValueError, OSError):
            pass
        end.join()
        try:
            receiver.close()
        except OSError:
            pass
    for what, arguments in (("events", ()), ("spans", ("--signal", "spans"))):
        found = collections.Counter(json.loads(line)["name"] for line in world.helper("show", "--json", *arguments).splitlines())
        missing = [name for name in answered if found[name] == 0]
        twice = [name for name, count in found.items() if count > 1]
        check(not missing and not twice, f"{what}: missing {missing[:5]}, twice {twice[:5]}")
        check(set(found) <= set(answered) | set(unanswered), f"{what} that were never sent")
        abandoned = [line for line in world.helper("show", "--json", *arguments).splitlines() if "abandoned" in line]
        check_equal([], abandoned, f"{what} that were left")
    check(len(answered) > 2000, f"{len(answered)} answered")
    return f"{len(answered)} answered, {len(unanswered)} not"
