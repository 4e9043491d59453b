// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// What was sent: the audit log, verified.
struct SentView {
    let asked: PageRequest
    let tool: PageTool

    private static let entries = 25
    private static let shownBytes = 32 << 10

    private struct Chain {
        let id: Int
        let title: String
        let trail: AuditTrail
    }

    private static func chains(_ author: Options) -> [Chain] {
        var result: [Chain] = []
        for (index, part) in PageTool.parts.enumerated() {
            let options = part.options(author)
            let (title, own) = (part.isOfSpans ? "Spans" : "Events", part.isOwn ? ", to receivers of your own" : "")
            result.append(Chain(id: index * 2, title: title + own, trail: AuditTrail.read(options: options)))
            if !part.isOfSpans {
                let metrics = AuditTrail.read(options: options, .metrics)
                result.append(Chain(id: index * 2 + 1, title: "Metrics" + own, trail: metrics))
            }
        }
        return result.filter { !$0.trail.isEmpty }
    }

    var html: HTML {
        var frame = PageFrame(asked, tool, .sent)
        if let author = tool.options() {
            let chains = Self.chains(author)
            if chains.isEmpty { frame.html.paragraph("Nothing was ever sent, as far as is known here.") }
            for chain in chains { add(chain, &frame.html) }
        } else if tool.status(&frame.html) != nil {
            frame.html.warning("The manifest is wrong.")
        }
        frame.inTerminal([
            "telemetry show --sent --tool " + tool.name, "telemetry show --sent --verify --tool " + tool.name,
        ])
        return frame.end()
    }

    private func add(_ chain: Chain, _ html: inout HTML) {
        html.element("<section aria-label=\"", chain.title, "\">")
        html.heading(chain.title)
        switch chain.trail.verify() {
        case .unbroken(let entries):
            html.element(
                "<p class=\"note good\">", "Verified: " + counted(UInt64(entries), "entry", "entries") + ", unbroken.",
                "</p>\n")
        case .broken(let file, let line, let reason):
            html.warning("Broken: " + file + (line > 0 ? ", line \(line)" : "") + ": " + reason)
        }
        if chain.trail.lost > 0 {
            html.warning(counted(chain.trail.lost, "more event") + " went out without a copy here.")
        }
        let before = beforeOf(chain)
        var lines: [ArraySlice<UInt8>] = []
        for file in chain.trail.files { lines += file.bytes.split(separator: 0x0A) }
        let end = min(before ?? lines.count, lines.count)
        let start = max(0, end - Self.entries)
        for line in lines[start..<end].reversed() { add(line, of: chain, &html) }
        addPaging(chain, start, end, lines.count, &html)
        html.raw("</section>\n")
    }

    private func beforeOf(_ chain: Chain) -> Int? {
        guard asked.value("chain").flatMap({ Int($0) }) == chain.id else { return nil }
        return asked.value("before").flatMap { Int($0) }.map { max(0, $0) }
    }

    private func add(_ line: ArraySlice<UInt8>, of chain: Chain, _ html: inout HTML) {
        let bytes = Array(line)
        guard let entry = JSONValue.parse(bytes), !entry["seq"].isNull else {
            html.warning("Damaged: " + String(decoding: bytes.prefix(200), as: UTF8.self))
            return
        }
        let sequence = entry["seq"].shown
        html.raw("<details class=\"entry\"><summary>")
        html.element("<span>", sequence, "</span> ")
        html.element("<time>", PageFrame.time(entry["time"].text) ?? "", "</time> ")
        html.element("<span>", Self.content(entry), "</span> ")
        html.element("<span>", entry["outcome"].isNull ? "" : entry["outcome"].shown + " by ", "")
        html.element("", entry["backend"].isNull ? "" : entry["backend"].shown, "</span></summary>\n")
        let pretty = PrettyJSON.array(ofLines: bytes)
        let shown = ShownText.text(Array(ShownText.json(pretty).prefix(Self.shownBytes)))
        html.lines(
            "Entry " + sequence + " of " + chain.title,
            shown ?? String(decoding: pretty.prefix(Self.shownBytes), as: UTF8.self))
        if pretty.count > Self.shownBytes { html.paragraph("The rest is in the file.") }
        html.raw("</details>\n")
    }

    private static func content(_ entry: JSONValue) -> String {
        if !entry["lost"].isNull { return counted(entry["lost"].count, "event") + " without a copy" }
        if !entry["metrics"].isNull { return "metrics" }
        let events = entry["event"].isNull ? entry["events"].items.count : 1
        return counted(UInt64(events), "record")
    }

    private func addPaging(_ chain: Chain, _ start: Int, _ end: Int, _ count: Int, _ html: inout HTML) {
        if start == 0 && end == count { return }
        html.raw("<p class=\"paging\">")
        if start > 0 { addLink(chain, before: start, "Older entries", &html) }
        if end < count { addLink(chain, before: min(count, end + Self.entries), "Newer entries", &html) }
        html.raw("</p>\n")
    }

    private func addLink(_ chain: Chain, before: Int, _ text: String, _ html: inout HTML) {
        html.raw("<a href=\"/sent?tool=")
        html.query(tool.name)
        html.raw("&amp;chain=")
        html.number(chain.id)
        html.raw("&amp;before=")
        html.number(before)
        html.element("\">", text, "</a> ")
    }
}
