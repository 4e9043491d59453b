// SPDX-License-Identifier: Apache-2.0

/// What one source says. The texts are put together only when someone reads them: opening a collector looks at
/// `decides` and `says`.
struct ConsentStatement {
    let source: ConsentSource
    var says = ConsentAnswer.nothing
    /// It says something that does not count in this place; the remark says why.
    var isDisregarded = false
    /// It is likely a mistake, and the user should be told.
    var warns = false
    /// The variable's name or the file's path, if the reason is to name it.
    var subject = ""
    /// What was found there; nil when there was nothing.
    var value: String?
    /// The reason quotes the value.
    var quotesValue = false
    /// The value is none of the words for yes and no.
    var expectsAnswer = false
    /// For whom it is decided.
    var audience = Audience.author
    var remark: StaticString = ""
    var detail = ""

    /// Whether it ends the search.
    var decides: Bool { says != .nothing && !isDisregarded }

    /// One clause for people, with what was found.
    var reason: String {
        var text = Excerpt.path(subject)
        if quotesValue, let value { text += " is '" + Excerpt.of(value) + "'" }
        return text + remark.text + detail
    }

    /// Whether the no is meant for all waiting events: a no that can be read, or an answer that is not there any more.
    /// A project's no is for work on the project. An outdated notice and a file that cannot be read do not tell
    /// anything about what was recorded before.
    var voidsWaiting: Bool {
        switch source {
        case .adminPolicy, .invokingUser, .everyToolPreference, .preferenceFile, .toolConfig: (value ?? "") == "false"
        case .defaultStance: (value ?? "") == "opt-in"
        default: false
        }
    }

    var warning: String? {
        if !warns { return nil }
        let effect: StaticString = audience == .own ? "; nothing is kept for you" : "; telemetry is off"
        // What says nothing changes nothing.
        return reason + (expectsAnswer ? StaticString.expectedAnswer.text : "") + (says == .off ? effect.text : "")
    }
}

extension StaticString {
    static var expectedAnswer: StaticString { ": expected 1, true, yes or on, or 0, false, no or off" }

    var text: String {
        String(bytes: self)
    }
}
