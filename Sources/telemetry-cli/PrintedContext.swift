// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A trace's context as `span begin` prints it. `tracestate` and `baggage` come from outside: a shell that reads them must
/// find data, and no words of its language.
enum PrintedContext {
    /// Nothing without a trace: `eval ""` and an empty file are harmless.
    static func text(_ context: PropagatedContext, _ form: SpanWords.Form) -> String {
        if form == .headers { return headers(context) }
        guard let own = context.context else { return "" }
        switch form {
        case .export: return exports(own.text, state(context))
        case .dotenv: return assignments(own.text, state(context))
        case .header: return "traceparent: " + own.text + "\n"
        case .traceparent, .headers: return own.text + "\n"
        }
    }

    private static let stateVariable = "TRACESTATE"

    private static func state(_ context: PropagatedContext) -> String? {
        context.fields.first { ArgumentParser.same($0.name, "tracestate") }?.value
    }

    private static func headers(_ context: PropagatedContext) -> String {
        var text = ""
        for (name, value) in context.fields { text += name + ": " + value + "\n" }
        return text
    }

    /// The list of another trace must not go on with this one (W3C Trace Context, section 3.3). `BAGGAGE` stays as it is:
    /// it does not depend on a trace (W3C Baggage, section 1).
    private static func exports(_ parent: String, _ state: String?) -> String {
        let list = state.map { "export " + stateVariable + "=" + quoted($0) } ?? "unset " + stateVariable
        return "export TRACEPARENT=" + quoted(parent) + "\n" + list + "\n"
    }

    /// Not every reader of such a file knows quotes: GitLab takes them as a part of the value. So a list that a shell would
    /// not take as it is is left out, which W3C Trace Context allows; the one that the reader may have is emptied.
    private static func assignments(_ parent: String, _ state: String?) -> String {
        let plain = state.flatMap { isPlain($0) ? $0 : nil }
        let list = plain ?? (Process.environment(stateVariable) == nil ? nil : "")
        return "TRACEPARENT=" + parent + "\n" + (list.map { stateVariable + "=" + $0 + "\n" } ?? "")
    }

    /// Every shell takes it as it is, in an assignment and as an argument.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            // Comma to colon: digits, and - . / between. zsh expands "=" behind ":", which no list has: a key begins a member.
            case UInt8(ascii: ",")...UInt8(ascii: ":"): true
            default: "_=@+%".utf8.contains(byte)
            }
        }
    }

    /// One word of a shell.
    private static func quoted(_ text: String) -> String {
        var result: [UInt8] = [UInt8(ascii: "'")]
        for byte in text.utf8 {
            if byte == UInt8(ascii: "'") { result += Array("'\\'".utf8) }
            result.append(byte)
        }
        return String(decoding: result + [UInt8(ascii: "'")], as: UTF8.self)
    }
}
