// SPDX-License-Identifier: Apache-2.0

/// A kind of receiver that is reached over a network, described once. Its folder has this description and the form of
/// its requests. Manifest, options, doctor and erasure read what is said here. A class: the code that copies a
/// structure would be repeated wherever one is passed on.
package final class Receiver {
    /// As manifests and options name it.
    package let name: String
    /// What an endpoint without a path gets: where this receiver takes events.
    let path: String
    /// The receiver's own address with these settings, if it has one.
    let ownBase: ((NetworkChoice) -> String)?
    let key: KeyRule
    /// What an author may set for this kind alone.
    let settings: [Setting]
    /// Makes the whole URL of an endpoint for which the common rule is wrong. Nil: the common rule applies.
    let complete: ((_ endpoint: String) -> String?)?
    /// What the environment of the process makes of the author's choice.
    let resolve: ((NetworkChoice) -> NetworkChoice)?
    /// The same receiver, where it takes metrics. Nil: it takes none.
    let forMetrics: Receiver?
    /// The same, where it takes spans. Nil: it takes none, or nothing else.
    let forSpans: Receiver?
    /// It takes spans and nothing else.
    let isForSpans: Bool
    let transport: Transport

    init(
        name: String, path: String = "", ownBase: ((NetworkChoice) -> String)? = nil, key: KeyRule = .needed,
        settings: [Setting] = [],
        complete: ((_ endpoint: String) -> String?)? = nil, resolve: ((NetworkChoice) -> NetworkChoice)? = nil,
        forMetrics: Receiver? = nil, forSpans: Receiver? = nil, isForSpans: Bool = false, transport: Transport
    ) {
        self.name = name
        self.path = path
        self.ownBase = ownBase
        self.key = key
        self.settings = settings
        self.complete = complete
        self.resolve = resolve
        self.forMetrics = forMetrics
        self.forSpans = forSpans
        self.isForSpans = isForSpans
        self.transport = transport
    }

    enum KeyRule {
        case needed
        /// A key may be given: as `Authorization: Bearer`, or in a header that the author names.
        case bearer
        /// A key may be given, and the kind says where it goes.
        case optional
        /// There is no place for a key.
        case none
    }

    struct Setting {
        let name: String
        /// Words between spaces; empty: any text.
        var choices = ""
        /// Several of the words may be given, each once, with commas or spaces between them.
        var isList = false
        /// It is a number.
        var numbers: NumberRange?
    }

    enum Transport {
        /// By HTTP: TLS, headers, compression, an answer.
        case posted((NetworkChoice) -> any WireFormat)
        /// By datagrams to `udp://host:port`, which nobody acknowledges.
        case datagrams((Authority, NetworkChoice) -> any Backend)
    }

    /// Requests are posted to it, and it answers.
    package var answers: Bool {
        if case .posted = transport { return true }
        return false
    }

    /// Why a key of another kind is refused.
    func refusal(of key: String) -> String {
        let text = "does not go with kind: " + name
        return isForSpans && key == "signals" ? text + ", which takes spans and nothing else" : text
    }

    static func named(_ name: String) -> Receiver? {
        for receiver in all where receiver.name == name { return receiver }
        return nil
    }

    /// Nil: it has no such setting.
    func setting(_ name: String) -> Setting? {
        for setting in settings where setting.name == name { return setting }
        return nil
    }
}
