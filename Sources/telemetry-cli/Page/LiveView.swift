// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// What a tool records now. A script has the browser told of each change; without one, the page is loaded again.
struct LiveView {
    let asked: PageRequest
    let tool: PageTool

    private static let records = 50
    private static let lookMilliseconds: Int32 = 500
    private static let quietLooks = 30

    var html: HTML {
        var frame = PageFrame(asked, tool, .live)
        frame.html.raw(
            """
            <p><span id="live-state" role="status">As it was when the page was loaded.</span>
            <button type="button" class="plain" id="live-pause" hidden>Pause</button></p>
            <noscript><p class="note">Without script, load the page again to see what is new.</p></noscript>
            <div id="live">

            """)
        var history = MetricHistory()
        frame.html.append(content(&history))
        frame.html.raw("</div>\n<script src=\"/live.js\" defer></script>\n")
        return frame.end()
    }

    private func content(_ history: inout MetricHistory) -> HTML {
        var html = HTML()
        guard let status = tool.status(&html) else { return html }
        let parts = PageTool.parts.filter { PageTool.has($0, status) }
        html.facts([
            ("Telemetry", status["enabled"].isTrue ? "on" : "off"),
            (
                "Events",
                status["events"]["recorded"].shown + " recorded, " + status["events"]["pending"].shown + " waiting"
            ),
            ("Last delivery", PageFrame.time(status["last_delivery"]["last_success"].text) ?? "never"),
        ])
        Activity(tool, parts).writeLatest(to: &html, limit: Self.records)
        let metrics = MetricsSection(tool, parts)
        history.add(metrics.values, now: Clock.realtime())
        history.write(to: &html)
        metrics.writePresent(to: &html)
        return html
    }

    /// Until the browser or the agent is gone.
    func stream(_ answer: PageAnswer) {
        guard answer.beginStream() else { return }
        var history = MetricHistory()
        var last: UInt64?
        var quiet = 0
        repeat {
            let mark = mark
            if mark != last {
                last = mark
                quiet = 0
                guard answer.send(event: content(&history)) else { return }
            } else {
                quiet += 1
                if quiet >= Self.quietLooks {
                    quiet = 0
                    guard answer.sendNothing() else { return }
                }
            }
        } while answer.wait(milliseconds: Self.lookMilliseconds)
    }

    /// Another number when something may have changed.
    private var mark: UInt64 {
        var mark: UInt64 = 0
        guard let author = tool.options() else { return mark }
        for part in PageTool.parts {
            let options = part.options(author)
            if let counts = SpoolInspector.statistics(options: options) {
                for count in [counts.recorded, counts.delivered, counts.pending, counts.dropped] {
                    mark = mark &* 31 &+ count
                }
            }
            guard !part.isOfSpans, let text = (try? MetricsReport.text(options, .json)) ?? nil else { continue }
            for byte in text { mark = mark &* 31 &+ UInt64(byte) }
        }
        return mark &* 31 &+ (ConsentResolver.decide(author).isEnabled ? 1 : 0)
    }
}
