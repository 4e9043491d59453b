// SPDX-License-Identifier: Apache-2.0

/// The words of the command line about spans. A kind's place in the list is its number in OpenTelemetry, less one; a
/// status's place is its number.
enum SpanWords {
    static let kinds = ["internal", "server", "client", "producer", "consumer"]
    static let statuses = ["unset", "ok", "error"]
    static let actions = ["begin", "event", "end"]
    static let forms = ["traceparent", "export", "header", "headers", "dotenv"]

    /// The place of a form in the list.
    enum Form: Int { case traceparent, export, header, headers, dotenv }

    static func place(_ word: String, in words: [String]) -> Int? {
        words.firstIndex { ArgumentParser.same($0, word) }
    }
}
