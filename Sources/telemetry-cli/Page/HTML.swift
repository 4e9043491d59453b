// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// HTML while it is written. What is not of this program is always escaped.
struct HTML {
    private(set) var bytes: [UInt8] = []

    /// Markup of the program's own.
    mutating func raw(_ markup: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: markup.utf8Start, count: markup.utf8CodeUnitCount))
    }

    mutating func append(_ other: HTML) { bytes += other.bytes }

    /// Text, or the value of an attribute in quotes. Characters that nobody sees are made visible.
    mutating func text(_ text: String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": raw("&amp;")
            case "<": raw("&lt;")
            case ">": raw("&gt;")
            case "\"": raw("&quot;")
            case "'": raw("&#39;")
            case "\n", "\t": bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            default:
                if UnseenCharacter.isOne(scalar.value) {
                    bytes += ShownText.escape(scalar)
                } else if let encoded = UTF8.encode(scalar) {
                    bytes += encoded
                }
            }
        }
    }

    mutating func number(_ value: Int) { text(value.description) }

    /// As part of a query: RFC 3986, section 2.3.
    mutating func query(_ value: String) { PercentEncoding.append(Array(value.utf8), to: &bytes) }

    // MARK: parts

    /// `tag`: its name, with attributes perhaps.
    mutating func element(_ open: StaticString, _ content: String, _ close: StaticString) {
        raw(open)
        text(content)
        raw(close)
    }

    mutating func heading(_ content: String) { element("<h2>", content, "</h2>\n") }
    mutating func paragraph(_ content: String) { element("<p>", content, "</p>\n") }

    /// Something that a person has to know.
    mutating func warning(_ content: String) { element("<p class=\"note warning\">", content, "</p>\n") }

    mutating func facts(_ rows: [(String, String)]) {
        raw("<dl class=\"facts\">\n")
        for (label, value) in rows {
            element("<div><dt>", label, "</dt>")
            element("<dd>", value, "</dd></div>\n")
        }
        raw("</dl>\n")
    }

    /// A table that may be wider than the screen: it then moves by itself, with the keyboard too.
    mutating func table(_ caption: String, _ columns: [String], _ rows: [[String]]) {
        element("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"", caption, "\"><table>\n")
        element("<caption>", caption, "</caption>\n<thead><tr>")
        for column in columns { element("<th scope=\"col\">", column, "</th>") }
        raw("</tr></thead>\n<tbody>\n")
        for row in rows {
            raw("<tr>")
            for (index, cell) in row.enumerated() {
                if index == 0 { element("<th scope=\"row\">", cell, "</th>") } else { element("<td>", cell, "</td>") }
            }
            raw("</tr>\n")
        }
        raw("</tbody></table></div>\n")
    }

    /// Text with its own lines, which moves sideways by itself.
    mutating func lines(_ label: String, _ content: String) {
        element("<pre tabindex=\"0\" role=\"region\" aria-label=\"", label, "\">")
        text(content)
        raw("</pre>\n")
    }
}
