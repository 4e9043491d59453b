// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a client of `/metrics` is given: RFC 9110, section 12.5.1, and docs/instrumenting/content_negotiation.md of
/// Prometheus.
package struct ExpositionChoice: Equatable {
    package let format: ExpositionFormat
    /// The client asks how names are written that older servers do not take. Names are always such that they do.
    package let saysEscaping: Bool

    package var contentType: StaticString {
        switch (format, saysEscaping) {
        case (.text, true): "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
        case (.openMetrics, true): "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
        default: format.contentType
        }
    }

    /// Without an Accept header, and if it names nothing that there is: text.
    package static let usual = ExpositionChoice(format: .text, saysEscaping: false)

    /// `accept`: the value of the header, or of all of them with commas between them.
    package init(accept: UnsafePointer<CChar>?) {
        guard let accept else {
            self = .usual
            return
        }
        self.init(accept: UnsafeRawBufferPointer(start: accept, count: strlen(accept)))
    }

    package init(accept: UnsafeRawBufferPointer) {
        var scanner = AcceptScanner(accept)
        var text = Preference()
        var openMetrics = Preference()
        var saysEscaping = false
        while let range = scanner.next() {
            text.consider(range, range.matchText)
            openMetrics.consider(range, range.matchOpenMetrics)
            if range.hasEscaping { saysEscaping = true }
        }
        // A client that says `*/*` need not know OpenMetrics.
        let isNamed = openMetrics.match >= .named && openMetrics.weight >= text.weight
        format = openMetrics.weight > 0 && (isNamed || text.weight == 0) ? .openMetrics : .text
        self.saysEscaping = saysEscaping
    }

    init(format: ExpositionFormat, saysEscaping: Bool) {
        self.format = format
        self.saysEscaping = saysEscaping
    }

    /// How much a client wants a format: the most specific range that fits it counts.
    private struct Preference {
        var match = AcceptRange.Match.none
        var weight = 0

        mutating func consider(_ range: AcceptRange, _ fit: AcceptRange.Match) {
            if fit == .none || fit < match { return }
            weight = fit == match ? max(weight, range.weight) : range.weight
            match = fit
        }
    }
}

/// One element of an Accept header.
private struct AcceptRange {
    enum Match: Int, Comparable {
        case none = 0, everything, type, named, version

        static func < (left: Match, right: Match) -> Bool { left.rawValue < right.rawValue }
    }

    var mediaType: UnsafeRawBufferPointer
    var version: UnsafeRawBufferPointer?
    var hasEscaping = false
    /// From 0, not acceptable, to 1000.
    var weight = 1000

    var matchText: Match { match("text/plain", "text/*", "0.0.4") }
    var matchOpenMetrics: Match { match("application/openmetrics-text", "application/*", "1.0.0") }

    private func match(_ name: StaticString, _ type: StaticString, _ version: StaticString) -> Match {
        if mediaType.isSame(as: "*/*") { return .everything }
        if mediaType.isSame(as: type) { return .type }
        guard mediaType.isSame(as: name) else { return .none }
        guard let wanted = self.version else { return .named }
        return wanted.isSame(as: version) ? .version : .none
    }
}

/// Takes an Accept header apart, whatever its bytes are.
private struct AcceptScanner {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> AcceptRange? {
        while at < bytes.count, bytes[at] == UInt8(ascii: ",") || Self.isBlank(bytes[at]) { at &+= 1 }
        guard at < bytes.count else { return nil }
        var range = AcceptRange(mediaType: part())
        while at < bytes.count, bytes[at] == UInt8(ascii: ";") {
            at &+= 1
            take(part(), into: &range)
        }
        return range
    }

    /// Up to the next `;` or `,` outside of quotation marks, without blanks around it.
    private mutating func part() -> UnsafeRawBufferPointer {
        let start = at
        var isQuoted = false
        while at < bytes.count {
            let byte = bytes[at]
            if isQuoted && byte == UInt8(ascii: "\\") { at &+= 1 }
            if byte == UInt8(ascii: "\"") { isQuoted = !isQuoted }
            if !isQuoted, byte == UInt8(ascii: ";") || byte == UInt8(ascii: ",") { break }
            at &+= 1
        }
        at = min(at, bytes.count)
        return Self.trimmed(UnsafeRawBufferPointer(rebasing: bytes[start..<at]))
    }

    private func take(_ parameter: UnsafeRawBufferPointer, into range: inout AcceptRange) {
        guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")) else { return }
        let name = Self.trimmed(UnsafeRawBufferPointer(rebasing: parameter[..<equals]))
        var value = Self.trimmed(UnsafeRawBufferPointer(rebasing: parameter[(equals &+ 1)...]))
        if value.count > 1, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") {
            value = UnsafeRawBufferPointer(rebasing: value[1..<(value.count &- 1)])
        }
        if name.isSame(as: "q") {
            range.weight = Self.weight(value)
        } else if name.isSame(as: "version") {
            range.version = value
        } else if name.isSame(as: "escaping") {
            range.hasEscaping = true
        }
    }

    /// Thousandths. What is not a weight counts as 1, as in Prometheus' own servers.
    private static func weight(_ text: UnsafeRawBufferPointer) -> Int {
        guard let first = text.first, first == UInt8(ascii: "0") else { return 1000 }
        guard text.count > 1 else { return 0 }
        guard text[1] == UInt8(ascii: ".") else { return 1000 }
        var result = 0
        for index in 2..<5 {
            result &*= 10
            guard index < text.count else { continue }
            guard text[index] >= UInt8(ascii: "0"), text[index] <= UInt8(ascii: "9") else { return 1000 }
            result &+= Int(text[index] &- UInt8(ascii: "0"))
        }
        return result
    }

    private static func trimmed(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var (start, end) = (0, text.count)
        while start < end, isBlank(text[start]) { start &+= 1 }
        while end > start, isBlank(text[end &- 1]) { end &-= 1 }
        return UnsafeRawBufferPointer(rebasing: text[start..<end])
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

extension UnsafeRawBufferPointer {
    /// The same, in whatever case letters are.
    fileprivate func isSame(as text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where Authority.lowercase(self[index]) != text.utf8Start[index] { return false }
        return true
    }
}
