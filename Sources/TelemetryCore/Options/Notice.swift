// SPDX-License-Identifier: Apache-2.0

/// A13: what the user is told before anything is collected, in the author's words. Each text is one
/// line, bounded, and holds nothing that a terminal would obey. Empty: not given. Immutable.
package final class Notice {
    /// In the order of `telemetry_notice`.
    package enum Member: Int {
        case version, collector, data, purpose, recipient, policyURL, contact, retention

        static let count = 8

        /// As the manifest and C call it.
        package var name: String {
            switch self {
            case .version: "version"
            case .collector: "collector"
            case .data: "data"
            case .purpose: "purpose"
            case .recipient: "recipient"
            case .policyURL: "policy_url"
            case .contact: "contact"
            case .retention: "retention"
            }
        }

        var isRequired: Bool { self == .collector || self == .data || self == .purpose }

        var limitBytes: Int {
            switch self {
            case .version: 64
            case .policyURL: 2048
            default: 1000
            }
        }

        var expected: String {
            switch self {
            case .version: "1 to 64 bytes without control characters"
            case .policyURL: "an https URL of at most 2048 bytes"
            default: "1 to 1000 bytes without control characters"
            }
        }

        /// What is wrong with this text; nil: nothing.
        func problem(_ text: String) -> String? {
            if text.utf8.isEmpty { return isRequired ? "missing" : nil }
            if text.utf8.count > limitBytes { return "too long" }
            if self == .policyURL && !Notice.isURL(text) { return "no such URL" }
            return UnseenCharacter.isIn(text) ? "a control character" : nil
        }
    }

    /// For a tool that has no notice; kept as the version of what was shown.
    static let genericVersion = "generic"

    private let texts: [String]

    /// By member; texts missing at the end count as empty. Without a version it is version 1.
    package init(_ texts: [String]) {
        var texts = texts
        while texts.count < Member.count { texts.append("") }
        if texts[0].utf8.isEmpty { texts[0] = "1" }
        self.texts = texts
    }

    private static func events(without excluded: FieldSet) -> String {
        let has: (EventField) -> Bool = { !excluded.contains($0) }
        let text = "usage events: what was run, when"
        let hasResult = has(.exitCode) || has(.errorCategory)
        let end =
            has(.duration)
            ? ", for how long" + (hasResult ? " and with what result" : "") : hasResult ? ", with what result" : ""
        return text + end + (has(.os) || has(.arch) || has(.osVersion) ? ", and the kind of system" : "")
    }

    /// `isSendingMetrics`, `isSendingSpans`: a receiver takes the tool's metrics, or its spans.
    /// `excluded`: what is never recorded.
    static func generic(
        tool: String, isSendingMetrics: Bool, isSendingSpans: Bool, excluded: FieldSet = FieldSet()
    ) -> Notice {
        let metrics = isSendingMetrics ? "; and metrics: counts and measurements of what the tool does" : ""
        let spans =
            isSendingSpans
            ? "; and spans: the steps of what the tool does, when each began and ended, what it was a part of, and its"
                + " attributes" : ""
        return Notice([
            genericVersion, "the makers of " + tool,
            events(without: excluded) + metrics + spans,
            "to improve " + tool,
        ])
    }

    package subscript(_ member: Member) -> String { texts[member.rawValue] }

    package var version: String { self[.version] }

    /// What is wrong first, as a sentence with the member's name. Nil: nothing.
    var problem: String? {
        for (index, text) in texts.enumerated() {
            guard let member = Member(rawValue: index), let problem = member.problem(text) else { continue }
            return member.name + ": " + problem + "; expected " + member.expected
        }
        return nil
    }

    /// RFC 3986: characters that are not visible ASCII are percent-encoded in a URL.
    @inline(never)
    private static func isURL(_ text: String) -> Bool {
        let scheme = Array("https://".utf8)
        var index = 0
        for byte in Array(text.utf8) {
            let isAllowed = index < scheme.count ? byte == scheme[index] : (0x21...0x7E).contains(byte)
            if !isAllowed { return false }
            index += 1
        }
        return index > scheme.count
    }
}
