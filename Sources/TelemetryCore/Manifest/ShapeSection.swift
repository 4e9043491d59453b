// SPDX-License-Identifier: Apache-2.0

/// `fields` and `timestamps` of a backend: the shape of an event on its wire.
enum ShapeSection {
    static let keys = ["fields", "timestamps"]
    /// Of mappings in each other.
    private static let depthLimit = 4
    private static let nameLimit = 64
    private static let bytesLimit = 64

    @inline(never)
    static func read(_ backend: ManifestSection, _ choice: BackendChoice) throws(ManifestError) -> EventForm {
        var form = EventForm()
        for key in keys {
            guard let node = backend.node(key) else { continue }
            if let problem = refusal(choice) { throw backend.failure(key, node, problem) }
            if key == "timestamps" {
                let digits = try backend.choice(key, TimestampDigits.words.words) ?? 0
                form.digits = TimestampDigits(rawValue: digits) ?? .nanoseconds
            } else {
                var names: [[UInt8]] = []
                let isLine = choice.kind == "splunk_udp"
                let members = try read(node, backend.file, backend.join(key), [], &names, isLine: isLine, depth: 1)
                form.shape = EventShape(members)
            }
        }
        return form
    }

    private static func refusal(_ choice: BackendChoice) -> String? {
        switch choice {
        case .stdout: return nil
        case .network(let network):
            if network.takesEvents { return nil }
            return network.kind.isForSpans
                ? network.kind.refusal(of: "fields") : "of no use without events; expected signals with events"
        default: return "does not go with this kind; expected stdout, or one that sends events over a network"
        }
    }

    /// `outer`: the name of the mapping with a dot. `names`: those that are taken, the outer ones in front.
    private static func read(
        _ node: YAMLNode, _ file: String, _ path: String, _ outer: [UInt8], _ names: inout [[UInt8]], isLine: Bool,
        depth: Int
    ) throws(ManifestError) -> [EventShape.Member] {
        let entries = try ManifestSection.entries(of: node, file: file, path: path)
        if entries.isEmpty {
            throw ManifestError(file: file, node.position, key: path, "no names; expected one name or more")
        }
        var members: [EventShape.Member] = []
        for entry in entries {
            let key = path + "." + Excerpt.of(entry.key)
            let name = outer + Array(entry.key.utf8)
            if let problem = problem(entry.key, name, names, isLine: isLine) {
                throw ManifestError(file: file, entry.position, key: key, problem)
            }
            names.append(name)
            let source: EventShape.Source
            if case .mapping = entry.value.content {
                if depth == depthLimit {
                    throw ManifestError(
                        file: file, entry.value.position, key: key,
                        "a mapping too deep; expected at most " + depthLimit.description + " in each other")
                }
                source = .object(
                    try read(
                        entry.value, file, key, name + [UInt8(ascii: ".")], &names, isLine: isLine, depth: depth &+ 1))
            } else {
                source = try self.source(entry.value, file, key)
            }
            members.append(EventShape.Member(name: Array(entry.key.utf8), source: source))
        }
        return members
    }

    private static func problem(_ key: String, _ name: [UInt8], _ names: [[UInt8]], isLine: Bool) -> String? {
        if names.count >= nameLimit { return "one too many; expected at most " + nameLimit.description + " names" }
        guard (1...bytesLimit).contains(name.count), !UnseenCharacter.isIn(key) else {
            return "not a name; expected 1 to 64 bytes without control characters, with those of the outer mappings"
        }
        if isLine {
            let isPlain = key.utf8.allSatisfy {
                PercentEncoding.isAlphanumeric($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
            }
            if !isPlain || key == "signal" || key == "truncated" {
                return "not a name here; expected letters, digits, '.', '_' and '-', and not signal or truncated"
            }
        }
        return names.contains(name) ? "the same name twice; expected each once" : nil
    }

    private static func source(_ node: YAMLNode, _ file: String, _ key: String) throws(ManifestError)
        -> EventShape.Source
    {
        guard let text = node.scalar?.text, text.utf8.first == UInt8(ascii: "$") else {
            // A text may be a credential in the wrong place.
            guard let scalar = node.scalar, !scalar.isNull else {
                throw ManifestError(
                    file: file, node.position, key: key,
                    node.form + " is not a value; expected a field such as '$name', or a text, a number or a boolean")
            }
            switch try MetadataSection.value(node, key: key, file: file) {
            case .string(let text):
                if text.utf8.count <= EventLimits.valueBytes { return .text(Array(text.utf8)) }
                throw ManifestError(file: file, node.position, key: key, "too long; expected at most 1024 bytes")
            case .int(let number): return .constant(.int(number))
            case .double(let number): return .constant(.double(number))
            case .bool(let flag): return .constant(.bool(flag))
            }
        }
        let name = String(bytes: Array(text.utf8.dropFirst()))
        if let field = EventField.named(name) { return .field(field) }
        let prefix = Array("metadata.".utf8)
        let bytes = Array(name.utf8)
        if bytes.starts(with: prefix), (1...EventLimits.keyBytes).contains(bytes.count - prefix.count) {
            return .attribute(Array(bytes[prefix.count...]))
        }
        var list = ""
        for each in EventField.names { list += ", $" + each }
        throw ManifestError(
            file: file, node.position, key: key,
            "not a field; expected '$" + NearestKey.to(name, of: EventField.names) + "' or another of $metadata.KEY"
                + list)
    }
}
