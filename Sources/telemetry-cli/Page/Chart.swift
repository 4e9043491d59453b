// SPDX-License-Identifier: Apache-2.0

/// Charts as inline SVG. Their text is HTML, so that it stays legible at any width, and their numbers are in a table.
enum Chart {
    private static let height = 100

    /// A bar for each label, made of one part for each kind.
    static func bars(_ html: inout HTML, _ caption: String, _ labels: [String], _ kinds: [String], _ counts: [[UInt64]])
    {
        let sums = counts.map { $0.reduce(0, &+) }
        let most = max(1, sums.max() ?? 1)
        html.raw("<figure>\n")
        html.element("<figcaption>", caption, ".</figcaption>\n")
        legend(&html, kinds, counts)
        html.element("<div class=\"chart\"><span class=\"top\" aria-hidden=\"true\">", most.description, "</span>\n")
        html.element("<svg role=\"img\" aria-label=\"", caption + "; the highest bar is " + most.description, "\" ")
        html.raw("preserveAspectRatio=\"none\" viewBox=\"0 0 ")
        html.number(labels.count * 10)
        html.raw(" 100\">\n")
        for (index, parts) in counts.enumerated() {
            var top = height
            for (kind, count) in parts.enumerated() where count > 0 {
                // What is there is seen.
                let tall = max(2, part(Double(count) / Double(most), of: height))
                top -= tall
                html.raw("<rect class=\"kind")
                html.number(kind)
                html.raw("\" x=\"")
                html.number(index * 10 + 1)
                html.raw("\" width=\"8\" y=\"")
                html.number(max(0, top))
                html.raw("\" height=\"")
                html.number(tall)
                html.raw("\"/>\n")
            }
        }
        html.raw("</svg></div>\n")
        ends(&html, labels.first ?? "", labels.last ?? "")
        var rows: [[String]] = []
        for (index, label) in labels.enumerated() where sums[index] > 0 {
            rows.append([label] + counts[index].map { $0.description })
        }
        numbers(&html, caption, ["From"] + kinds, rows)
        html.raw("</figure>\n")
    }

    /// A value over time.
    static func line(_ html: inout HTML, _ caption: String, _ points: [(time: Int64, label: String, value: Double)]) {
        guard let first = points.first, let last = points.last else { return }
        let (low, high) = points.reduce((min(0, first.value), first.value)) {
            (min($0.0, $1.value), max($0.1, $1.value))
        }
        let span = Double(max(1, last.time &- first.time))
        html.raw("<figure>\n")
        html.element("<figcaption>", caption, "</figcaption>\n")
        html.element("<div class=\"chart\"><span class=\"top\" aria-hidden=\"true\">", shown(high), "</span>\n")
        html.element("<svg role=\"img\" aria-label=\"", caption + "; last " + shown(last.value), "\" ")
        html.raw("preserveAspectRatio=\"none\" viewBox=\"0 0 480 100\">\n<polyline points=\"")
        for point in points {
            let x = points.count == 1 ? 480 : part(Double(point.time &- first.time) / span, of: 480)
            let y = high > low ? 100 - part((point.value - low) / (high - low), of: 98) : 50
            html.text(x.description + "," + y.description + " ")
        }
        // A single value is a level.
        if points.count == 1 { html.raw("0,2 ") }
        html.raw("\"/>\n</svg></div>\n")
        ends(&html, first.label, last.label)
        numbers(&html, caption, ["Time", "Value"], points.map { [$0.label, shown($0.value)] })
        html.raw("</figure>\n")
    }

    /// Whatever comes of the division.
    private static func part(_ ratio: Double, of whole: Int) -> Int {
        ratio > 0 ? ratio < 1 ? Int(ratio * Double(whole)) : whole : 0
    }

    /// As much as a person reads.
    static func shown(_ value: Double) -> String {
        guard abs(value) < 1e15 else { return value.description }
        if Double(Int64(value)) == value { return Int64(value).description }
        let thousandths = Int64(value * 1000 + (value < 0 ? -0.5 : 0.5))
        return abs(value) < 1 || abs(value) >= 1e12 ? value.description : (Double(thousandths) / 1000).description
    }

    private static func legend(_ html: inout HTML, _ kinds: [String], _ counts: [[UInt64]]) {
        html.raw("<ul class=\"legend\">")
        for (kind, name) in kinds.enumerated() {
            let sum = counts.reduce(0) { $0 &+ $1[kind] }
            html.raw("<li><svg aria-hidden=\"true\" viewBox=\"0 0 10 10\"><rect class=\"kind")
            html.number(kind)
            html.element("\" width=\"10\" height=\"10\"/></svg> ", name + ": " + sum.description, "</li>\n")
        }
        html.raw("</ul>\n")
    }

    private static func ends(_ html: inout HTML, _ first: String, _ last: String) {
        html.element("<p class=\"ends\" aria-hidden=\"true\"><span>", first, "</span>")
        html.element("<span>", last, "</span></p>\n")
    }

    private static func numbers(_ html: inout HTML, _ caption: String, _ columns: [String], _ rows: [[String]]) {
        html.raw("<details><summary>Numbers</summary>\n")
        html.table(caption, columns, rows)
        html.raw("</details>\n")
    }
}
