// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A1, A13: the first-run step. Shows the notice and, for an opt-in tool, asks. Everything goes to standard error, and
/// only if a person can answer and nobody has answered yet. docs/notice.md.
package enum Prompt {
    /// Stores the answer; stores nothing if there was none.
    package static func run(_ options: Options) throws(SystemError) {
        let inputs = ConsentInputs.gather(options: options)
        let decision = ConsentResolver.resolve(inputs)
        guard isWanted(inputs, decision), !ContinuousIntegration.isDetected, !InvokingUser.isElevated, Terminal.canAsk
        else { return }
        try Terminal.show(NoticeText.make(options, isLocalOnly: decision.isLocalOnly))
        if options.consent == TELEMETRY_OPT_OUT {
            try PreferenceChange.markShown(options)
        } else if let answer = try ask(options.toolName) {
            try store(answer, options)
        }
    }

    /// Nobody has answered, the notice of an opt-out tool must still be shown, or a yes was given to another notice. A
    /// no remains valid: nobody is asked again until they change their mind.
    static func isWanted(_ inputs: ConsentInputs, _ decision: ConsentDecision) -> Bool {
        if decision.isEnabled { return false }
        switch decision.source {
        case .defaultStance: return true
        case .preferenceFile: return inputs.preference == .on && inputs.noticeOutdated
        default: return false
        }
    }

    /// Nil: no answer, not even when asked again.
    private static func ask(_ tool: String) throws(SystemError) -> Bool? {
        let question = "Allow " + tool + " to collect this? [y/N] "
        for attempt in 1...2 {
            Terminal.discardInput()
            guard let line = try Terminal.readLine(after: attempt == 1 ? question : "Please answer y or n. " + question)
            else {
                // The cursor is behind the question.
                try Terminal.show("\n")
                break
            }
            if let answer = parse(line) { return answer }
        }
        try Terminal.show("No answer: nothing is collected, and nothing is stored.\n")
        return nil
    }

    /// Enter alone means no. Nil: neither yes nor no.
    static func parse(_ line: [UInt8]) -> Bool? {
        // Up to three letters, in lower case (0x20 turns no other byte into one of these), as one number.
        var word: UInt32 = 0
        var isOver = false
        for byte in line {
            if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
                isOver = word != 0
            } else if isOver || word > 0xFFFF {
                return nil
            } else {
                word = word << 8 | UInt32(byte | 0x20)
            }
        }
        switch word {
        case 0x79, 0x79_65_73: return true
        case 0, 0x6E, 0x6E_6F: return false
        default: return nil
        }
    }

    private static func store(_ answer: Bool, _ options: Options) throws(SystemError) {
        if answer {
            try PreferenceChange.enable(options, sawNotice: true)
        } else {
            let done = PreferenceChange.disable(options)
            if let error = done.notStored { throw error }
            try PreferenceChange.markShown(options)
            if done.erasure != .complete { throw SystemError(code: ETIMEDOUT) }
        }
        try Terminal.show("Telemetry for " + options.toolName + " is " + (answer ? "on.\n" : "off.\n"))
    }
}
