// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// What a tool records now. A script has the browser told of each change; without one, the page is loaded again.
struct LiveView {
    private let asked: PageRequest
    private let tool: PageTool

    private static let records = 50
    private static let lookMilliseconds: Int32 = 500
    private static let quietLooks = 30

    init(_ asked: PageRequest, _ tool: PageTool) {
        self.asked = asked
        self.tool = tool
    }

    var html: HTML {
        var frame = PageFrame(asked, tool, .live)
        frame.html.raw(
            """
            <p><span id="live-state" role="status">As it was when the page was loaded.</span>
            <button type="button" class="plain" id="live-pause" hidden>Pause</button></p>
            <noscript><p class="note">Without script, load the page again to see what is new.</p></noscript>
            <div id="live">

            """)
        frame.html.append(content(MetricHistory()))
        frame.html.raw("</div>\n<script src=\"/live.js\" defer></script>\n")
        return frame.end()
    }

    private func content(_ history: MetricHistory) -> HTML {
        var html = HTML()
        let run = tool.status()
        guard let status = run.json else {
            html.warning(run.problem ?? "its state is not known")
            return html
        }
        let parts = tool.parts(status)
        html.facts([
            ("Telemetry", status["enabled"].isTrue ? "on" : "off"),
            (
                "Events",
                status["events"]["recorded"].shown + " recorded, " + status["events"]["pending"].shown + " waiting"
            ),
            ("Last delivery", PageFrame.time(status["last_delivery"]["last_success"].text) ?? "never"),
        ])
        Activity(tool, parts).writeLatest(to: &html, limit: Self.records)
        history.write(to: &html)
        MetricsSection(tool, parts).writePresent(to: &html)
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
                history.add(MetricsSection(tool, PageTool.parts).values, now: Clock.realtime())
                guard answer.send(event: content(history)) else { return }
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
        for part in PageTool.parts {
            guard let options = tool.options(part) else { continue }
            if let counts = SpoolInspector.statistics(options: options) {
                for count in [counts.recorded, counts.delivered, counts.pending, counts.dropped] {
                    mark = mark &* 31 &+ count
                }
            }
            guard !part.isOfSpans, let text = (try? MetricsReport.text(options, .json)) ?? nil else { continue }
            for byte in text { mark = mark &* 31 &+ UInt64(byte) }
        }
        let decision = tool.options(PageTool.parts[0]).map { ConsentResolver.decide($0).isEnabled }
        return mark &* 31 &+ (decision == true ? 1 : 0)
    }
}
