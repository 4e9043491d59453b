"""Rows, targets and how they are printed."""
import json
import statistics

from . import place


def spread(samples):
    """Median and quartiles."""
    ordered = sorted(samples)
    if len(ordered) < 4:
        return statistics.median(ordered), ordered[0], ordered[-1]
    low, middle, high = statistics.quantiles(ordered, n=4, method="inclusive")
    return middle, low, high


def show(value):
    if value is None:
        return "-"
    if isinstance(value, (int, str)):
        return f"{value:,}" if isinstance(value, int) else value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 1 else f"{value:.1f}"


class Report:
    def __init__(self, machine):
        self.data = {"machine": machine, "sections": [], "targets": []}

    def section(self, title, columns, rows, note=""):
        self.data["sections"].append({"title": title, "columns": columns, "rows": rows, "note": note})
        print(self.section_text(self.data["sections"][-1]), flush=True)

    def target(self, name, value, limit, unit, peers=""):
        """A stated target; it is met or MISSED, and neither ends the run."""
        self.data["targets"].append({"name": name, "value": value, "limit": limit, "unit": unit, "peers": peers,
                                     "met": value is not None and value <= limit})

    @staticmethod
    def section_text(section):
        lines = [f"## {section['title']}", "", "| " + " | ".join(section["columns"]) + " |",
                 "|---" + "|---:" * (len(section["columns"]) - 1) + "|"]
        lines += ["| " + " | ".join(show(cell) for cell in row) + " |" for row in section["rows"]]
        if section["note"]:
            lines += ["", section["note"]]
        return "\n".join(lines) + "\n"

    def targets_text(self):
        lines = ["## Targets", "", "| what | ours | target | ours / target | | beside it |", "|---|---:|---:|---:|---|---|"]
        for t in self.data["targets"]:
            measured = t["value"] is not None
            ratio = f"{t['value'] / t['limit']:.2f}" if measured and t["limit"] else "-"
            verdict = ("met" if t["met"] else "MISSED") if measured else "not measured"
            ours = f"{show(t['value'])} {t['unit']}" if measured else "-"
            lines.append(f"| {t['name']} | {ours} | ≤ {show(t['limit'])} {t['unit']} | {ratio} | {verdict} | {t['peers']} |")
        return "\n".join(lines) + "\n"

    def write(self):
        machine = "\n".join(f"- {key}: {value}" for key, value in self.data["machine"].items())
        text = "\n".join(["# Benchmark results\n", machine + "\n", self.targets_text(),
                          *[self.section_text(s) for s in self.data["sections"]]])
        (place.WORK / "results.md").write_text(text)
        (place.WORK / "results.json").write_text(json.dumps(self.data, indent=1) + "\n")
