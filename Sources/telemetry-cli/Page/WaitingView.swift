// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// What waits: the exact bytes of each request, as it would be sent now.
struct WaitingView {
    let asked: PageRequest
    let tool: PageTool

    /// Of one request, and requests of a part. The file has the rest.
    private static let shownBytes = 64 << 10
    private static let shownRequests = 50

    var html: HTML {
        var frame = PageFrame(asked, tool, .waiting)
        guard let status = tool.status(&frame.html) else { return frame.end() }
        let isOn = status["enabled"].isTrue
        let hasOwn = status["own"]["enabled"].isTrue
        if !isOn {
            frame.html.paragraph(
                "Telemetry is off: nothing goes to the author."
                    + (hasOwn ? " What receivers of your own get is sent all the same." : ""))
        }
        if isOn || hasOwn {
            frame.html.paragraph(
                "Each request as it would be sent now, byte for byte. Secrets of the receiver are left out. A body that is compressed on its way is shown as it is before that."
            )
        }
        let author = tool.options()
        for (index, part) in PageTool.parts.enumerated() where PageTool.has(part, status) {
            add(index, part, author, &frame.html)
        }
        frame.inTerminal([
            "telemetry show --tool " + tool.name, "telemetry show --wire --tool " + tool.name,
            "telemetry show --wire --signal spans --tool " + tool.name,
        ])
        return frame.end()
    }

    private func add(_ index: Int, _ part: PageTool.Part, _ author: Options?, _ html: inout HTML) {
        html.heading(part.title)
        guard let options = author.map(part.options) else { return html.warning("The manifest is wrong.") }
        let preview = SpoolInspector.wirePreview(options: options)
        if let backend = preview.incomplete { html.warning("Nothing can be sent, " + backend) }
        if let problem = SpoolInspector.examine(options: options).problem {
            html.warning("Not all that waits can be looked at: " + problem.text)
        }
        for waiting in SpoolInspector.waitingForOthers(options: options) { html.warning("Not shown: " + waiting.text) }
        if preview.requests.isEmpty { return html.paragraph("Nothing waits.") }
        for (number, request) in preview.requests.prefix(Self.shownRequests).enumerated() {
            add(request, index, number + 1, &html)
        }
        if preview.requests.count > Self.shownRequests {
            let rest = UInt64(preview.requests.count - Self.shownRequests)
            html.paragraph(counted(rest, "more request") + " in 'telemetry show --wire'.")
        }
    }

    private func add(_ request: WirePreview.Request, _ part: Int, _ number: Int, _ html: inout HTML) {
        let title = "Request " + number.description
        html.element("<h3>", title, "</h3>\n")
        html.element(
            "<p>", request.backend + ", " + counted(UInt64(request.bytes.count), "byte"),
            ". <a href=\"/waiting/request?tool=")
        html.query(tool.name)
        html.raw("&amp;part=")
        html.number(part)
        html.raw("&amp;number=")
        html.number(number)
        html.element("\" download>Save ", "request " + number.description, "</a></p>\n")
        html.lines(title + " of " + PageTool.parts[part].title, ShownBytes.text(request.bytes, limit: Self.shownBytes))
    }
}

/// Bytes for people: text as it is, anything else as hexdump(1) -C shows it.
enum ShownBytes {
    static func text(_ bytes: [UInt8], limit: Int) -> String {
        let end = headEnd(bytes)
        var text = readable(Array(bytes[..<end])) ?? dump(bytes[..<min(end, limit)])
        let body = bytes[end...].prefix(limit)
        text += readable(Array(body)) ?? dump(body)
        let rest = bytes.count - end - body.count
        if rest > 0 { text += "\n… and " + counted(UInt64(rest), "byte") + " more, which the file has" }
        return text
    }

    /// Where the head of an HTTP request ends; 0: it has none.
    private static func headEnd(_ bytes: [UInt8]) -> Int {
        guard bytes.starts(with: "POST ".utf8) || bytes.starts(with: "PUT ".utf8), bytes.count >= 4 else { return 0 }
        for at in 0...(bytes.count - 4)
        where bytes[at] == 0x0D && bytes[at + 1] == 0x0A && bytes[at + 2] == 0x0D && bytes[at + 3] == 0x0A {
            return at + 4
        }
        return 0
    }

    /// Nil: it is not text.
    private static func readable(_ bytes: [UInt8]) -> String? {
        let plain = bytes.filter { $0 != 0x0D }
        // A limit may have cut a character.
        for cut in 0..<min(4, plain.count + 1) {
            guard let text = ShownText.text(Array(plain.dropLast(cut))) else { continue }
            let isText = !text.utf8.contains { $0 < 0x20 && $0 != 0x0A && $0 != 0x09 || $0 == 0x7F }
            return isText ? text : nil
        }
        return nil
    }

    private static func dump(_ bytes: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            let row = bytes[at..<min(at + 16, bytes.endIndex)]
            text += Hexadecimal.text(UInt64(at - bytes.startIndex)).utf8.suffix(8)
            for place in 0..<16 {
                text.append(0x20)
                if place == 8 { text.append(0x20) }
                if place < row.count {
                    text += Hexadecimal.text([row[row.startIndex + place]]).utf8
                } else {
                    text += [0x20, 0x20]
                }
            }
            text += [0x20, 0x20]
            text += row.map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: ".") }
            text.append(0x0A)
            at += 16
        }
        return String(decoding: text, as: UTF8.self)
    }
}
