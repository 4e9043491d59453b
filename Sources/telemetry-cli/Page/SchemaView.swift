// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// What may ever be collected.
struct SchemaView {
    let asked: PageRequest
    let tool: PageTool

    var html: HTML {
        var frame = PageFrame(asked, tool, .schema)
        let run = HelperRun(tool, ["show", "--schema"])
        if let problem = run.problem {
            frame.html.warning(problem)
        } else {
            frame.html.lines("What may ever be collected of " + tool.name, String(decoding: run.output, as: UTF8.self))
        }
        frame.inTerminal(["telemetry show --schema --tool " + tool.name])
        return frame.end()
    }
}

/// The requests to erase what was sent, and what was answered.
struct ReceiptsView {
    let asked: PageRequest
    let tool: PageTool

    var html: HTML {
        var frame = PageFrame(asked, tool, .receipts)
        let run = HelperRun(tool, ["request-deletion", "--list", "--json"])
        let receipts = run.json?["receipts"].items ?? []
        if let problem = run.problem {
            frame.html.warning(problem)
        } else if receipts.isEmpty {
            frame.html.paragraph("Nobody was asked from here to erase anything.")
        }
        for (index, receipt) in receipts.reversed().enumerated() {
            frame.html.element("<h2>", index == 0 ? "The latest request" : "An earlier request", "</h2>\n")
            frame.html.facts(receipt.members.map { ($0.key, $0.value.shown) })
        }
        frame.inTerminal([
            "telemetry request-deletion --list --tool " + tool.name, "telemetry request-deletion --tool " + tool.name,
            "telemetry reset --tool " + tool.name,
        ])
        return frame.end()
    }
}
