// SPDX-License-Identifier: Apache-2.0

// What an author has chosen about spans, for a kind that takes them.
extension NetworkChoice {
    package var takesSpans: Bool { kind.isForSpans || kind.forSpans != nil && has(signal: "spans") }

    /// The same choice for spans: another address, if the kind takes something else too. Nil: it takes none.
    package var forSpans: NetworkChoice? {
        guard takesSpans else { return nil }
        return kind.forSpans.map { copy(as: $0) } ?? self
    }
}

extension Destination {
    /// What is on this machine takes spans always: it is where somebody looks for them.
    package var takesSpans: Bool {
        switch choice {
        case .noop, .stdout, .file: true
        case .network(let network): network.takesSpans
        case .custom: false
        }
    }

    /// The same for spans alone, of the same name. Nil: it takes none.
    package func forSpans() -> Destination? {
        guard let network else { return takesSpans ? self : nil }
        return network.forSpans.map { Destination(name: name, .network($0)) }
    }
}
