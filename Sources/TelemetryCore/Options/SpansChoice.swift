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
    package var forSpans: Destination? {
        switch choice {
        case .noop, .stdout: self
        case .file(let path, let maxBytes, let maxFiles):
            Destination(
                name: name,
                .file(path: path.map { BackendChoice.pathOfSpans($0) }, maxBytes: maxBytes, maxFiles: maxFiles))
        case .network(let network): network.forSpans.map { Destination(name: name, .network($0), asker: asker) }
        case .custom: nil
        }
    }
}
