"""Every fault, on every backend that posts, under both guarantees; what has to become of the events and spans is in expected.tsv."""
import csv
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import faults
from cell import FAULTS, NAME_SERVER, Cell, explain
from suite import Failed, check, test
from wires import WIRES

GUARANTEES = ["at-least-once", "at-most-once"]
AT_ONCE = 6
TRIES = 3
NUMBERS = ["failures", "requests", "delivered", "pending", "later"]


def expectations():
    """{(fault, guarantee, backend): the columns}; a row of a backend's own goes before that of all (`*`)."""
    with open(os.path.join(os.path.dirname(__file__), "..", "expected.tsv")) as file:
        rows = list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))
    table = {}
    for row in rows:
        for number in NUMBERS:
            row[number] = int(row[number])
        for backend in row.pop("backends").split():
            key = (row["fault"], row["guarantee"], backend)
            check(key not in table, f"expected.tsv says something twice of {key}")
            table[key] = {name: value for name, value in row.items() if name not in ("fault", "guarantee")}
    return table


def why_not(shared):
    """Why the faults that need root cannot be shown here, by their names."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        return {"dns": "needs root and a mount namespace"}
    return {}


def cells(shared, wire):
    """One backend's, run side by side. What the machine was too busy for is measured again: a close that came late, and an
    attempt that had not begun when the time was over."""
    table, missing = expectations(), why_not(shared)
    found = [(fault, guarantee) for fault in FAULTS for guarantee in GUARANTEES if fault not in missing and
             ((fault, guarantee, "*") in table or (fault, guarantee, wire.name) in table)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(lambda key: Cell(shared, wire, *key).run(), found))
    for index, each in enumerate(done):
        for _ in range(TRIES - 1):
            if done[index].late_ms or has_not_begun(done[index], table):
                done[index] = Cell(shared, wire, each.fault, each.guarantee).run()
    return done, missing


def expectation(cell, table):
    return table.get((cell.fault, cell.guarantee, cell.wire.name)) or table[(cell.fault, cell.guarantee, "*")]


def has_not_begun(cell, table):
    expected = expectation(cell, table)
    return bool(cell.facts) and cell.facts["close"] == expected["close"] == "timeout" and cell.facts["failures"] < expected["failures"]


def judge(cell, table):
    expected = expectation(cell, table)
    wrong = list(cell.wrong)
    if cell.facts and cell.facts != expected:
        wrong.append(f"expected {explain(expected)}")
    if cell.late_ms:
        wrong.append(f"close came {cell.late_ms:.0f} ms after its deadline and the {TRIES} tries' grace")
    return wrong


def matrix(stage, wire):
    table, lines, failed = expectations(), [], 0
    name_server = stage.closes(faults.SilentResolver(NAME_SERVER)) if not why_not(stage.shared) else None
    done, missing = cells(stage.shared, wire)
    for cell in done:
        wrong = judge(cell, table)
        failed += bool(wrong)
        took = f"{cell.milliseconds:4.0f} ms" if cell.facts else ""
        facts = f"skipped: {cell.skipped}" if cell.skipped else explain(cell.facts) + "  " + took if cell.facts else ""
        lines.append(f"{'NOT OK' if wrong else 'ok':6} {cell.fault:10} {cell.guarantee:13} {facts}")
        lines += [f"         {each}" for each in wrong]
    lines += [f"skipped {fault}: {reason}" for fault, reason in missing.items()]
    if name_server:
        check(name_server.questions() > 0, "the name server was never asked")
    if failed:
        raise Failed(f"{failed} cells of {len(done)}\n" + "\n".join(lines))
    return "\n".join(lines)


for WIRE in WIRES.values():
    def scenario(stage, wire=WIRE):
        return matrix(stage, wire)
    scenario.__doc__ = f"{WIRE.name}: what becomes of 12 {WIRE.records} while the receiver fails, and afterwards."
    test(f"matrix/{WIRE.name}", "E6 E7 E8 E9 E12")(scenario)
