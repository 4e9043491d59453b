// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What a client asks of the page, as the process sees it that answers.
package struct PageRequest {
    package let request: HTTPRequest
    /// Of a form.
    package let body: [UInt8]
    /// What a form has to hold.
    package let formToken: [UInt8]
    /// The tools that the agent knows, and the manifests that their programs told it of.
    package let tools: [(name: String, manifest: String?)]
    /// Where to answer.
    package let client: Int32
    /// Hangs up when the agent is gone.
    package let lifeline: Int32

    /// A parameter of the query, or a field of the form, decoded; nil: it is not there.
    package func value(_ name: StaticString) -> String? {
        Self.value(name, in: request.query ?? []) ?? Self.value(name, in: body)
    }

    /// `name=value&…`, application/x-www-form-urlencoded (WHATWG URL, section 5).
    static func value(_ name: StaticString, in text: [UInt8]) -> String? {
        for pair in text.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard name.isSame(decoded(pair[..<equals])) else { continue }
            return String(bytes: decoded(pair[min(equals &+ 1, pair.endIndex)...]))
        }
        return nil
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
        PercentEncoding.decoded(text.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }[...])
    }
}
