// SPDX-License-Identifier: Apache-2.0

/// `backend`: where the events go; `backends`: the same, several times.
enum BackendSection {
    @inline(never)
    static func read(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        guard let list = top.node("backends") else {
            if let node = top.node("backend") {
                manifest.set(destinations: [try destination(node, top.file, "backend")])
            }
            return
        }
        if top.node("backend") != nil {
            throw top.failure("backends", list, "of no use beside backend; expected one of the two")
        }
        manifest.set(destinations: try destinations(list, top, isEmptyAllowed: false))
    }

    /// `backends` of any file.
    @inline(never)
    static func destinations(_ list: YAMLNode, _ top: ManifestSection, isEmptyAllowed: Bool) throws(ManifestError)
        -> [Destination]
    {
        guard case .sequence(let nodes) = list.content else {
            throw top.failure("backends", list, list.form + " is not a list; expected a list of backends")
        }
        if nodes.isEmpty && !isEmptyAllowed {
            throw top.failure("backends", list, "the list is empty; expected one backend or more")
        }
        var made: [Destination] = []
        for (index, node) in nodes.enumerated() {
            let path = "backends[" + index.description + "]"
            let next = try destination(node, top.file, path)
            if let problem = Destination.problem(made, adding: next) {
                throw ManifestError(file: top.file, node.position, key: path, problem)
            }
            made.append(next)
        }
        return made
    }

    private static let fileKeys = ["path", "max_bytes", "max_files"]

    /// `isCode`: it is not a file's. Only a program knows what its descriptors are.
    static func destination(
        _ node: YAMLNode, _ file: String, _ path: String, isCode: Bool = false
    ) throws(ManifestError) -> Destination {
        let section = try ManifestSection(
            node, file: file, path: path,
            keys: ["kind", "name"] + ShapeSection.keys + fileKeys + (isCode ? ["descriptor"] : []) + NetworkChoice.keys,
            isPrivate: true)
        let expected = kinds
        let given = try section.required("kind", expected: expected)
        let kind = given.scalar?.text ?? ""
        var choice: BackendChoice
        if let network = Receiver.named(kind) {
            choice = .network(try networkChoice(section, network))
        } else if kind == "file" {
            choice = try fileChoice(section)
        } else if kind == "stdout" {
            choice = .stdout(try printTarget(section))
        } else if kind == "noop" {
            choice = .noop
        } else {
            throw section.failure("kind", given, section.shown(given) + " is not known; expected " + expected)
        }
        if kind == "stdout" {
            try refuse(["max_bytes", "max_files"], in: section, expected: "file")
        } else if kind != "file" {
            try refuse(fileKeys, in: section, expected: "file")
        }
        if kind != "stdout" { try refuse(["descriptor"], in: section, expected: "stdout") }
        if case .network = choice {} else { try refuse(NetworkChoice.keys, in: section, expected: "one that sends") }
        let form = try ShapeSection.read(section, choice)
        if case .network(let network) = choice { network.form = form }
        if case .stdout(let target, _) = choice { choice = .stdout(target, form) }
        let name = try section.string(
            "name", expected: "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        ) {
            ToolName.isValid($0) ? nil : "the value is not a name"
        }
        return Destination(name: name ?? kind, choice)
    }

    private static var kinds: String {
        var text = "noop, stdout, file"
        for (index, kind) in Receiver.all.enumerated() {
            text += (index == Receiver.all.count - 1 ? " or " : ", ") + kind.name
        }
        return text
    }

    @inline(never)
    private static func refuse(_ keys: [String], in backend: ManifestSection, expected kind: String)
        throws(ManifestError)
    {
        for key in keys {
            guard let node = backend.node(key) else { continue }
            throw backend.failure(key, node, "does not go with this kind; expected kind: " + kind)
        }
    }

    @inline(never)
    private static func fileChoice(_ backend: ManifestSection) throws(ManifestError) -> BackendChoice {
        let path = try backend.string("path", expected: BackendChoice.expectedPath) { BackendChoice.problem(path: $0) }
        let maxBytes = try backend.number(.fileBytes)
        let maxFiles = try backend.number(.fileCount)
        return .file(path: path, maxBytes: maxBytes, maxFiles: Int(clamping: maxFiles))
    }

    @inline(never)
    private static func printTarget(_ backend: ManifestSection) throws(ManifestError) -> PrintTarget {
        let number = try backend.integer("descriptor", 0...Int64(Int32.max))
        let path = try backend.string("path", expected: BackendChoice.expectedPath) { BackendChoice.problem(path: $0) }
        if let number, path == nil { return .descriptor(Int32(clamping: number)) }
        if number != nil, let node = backend.node("descriptor") {
            throw backend.failure("descriptor", node, "of no use beside path; expected one of the two")
        }
        return path.map { PrintTarget(path: $0) } ?? .standard
    }

    @inline(never)
    private static func networkChoice(_ backend: ManifestSection, _ kind: Receiver) throws(ManifestError)
        -> NetworkChoice
    {
        let choice = NetworkChoice(kind)
        for key in NetworkChoice.keys {
            guard let node = backend.node(key) else { continue }
            if !choice.has(key) { throw backend.failure(key, node, kind.refusal(of: key)) }
            if key == "headers" {
                choice.headers = try headers(backend)
                continue
            }
            // Checked here for the sake of its error text.
            if key == "timeout_ms" { _ = try backend.number(.requestTimeout) }
            guard let text = text(of: node, isList: kind.setting(key)?.isList == true) else {
                throw backend.failure(key, node, backend.shown(node) + " is not text; expected text")
            }
            if let problem = choice.set(key, text) { throw backend.failure(key, node, problem) }
        }
        if let problem = choice.problem() {
            if let node = backend.node(problem.key) { throw backend.failure(problem.key, node, problem.text) }
            throw ManifestError(file: backend.file, backend.position, key: backend.join(problem.key), problem.text)
        }
        return choice
    }

    /// The text, or the texts of a list with commas between them. Nil: it is something else.
    @inline(never)
    private static func text(of node: YAMLNode, isList: Bool) -> String? {
        if isList, case .sequence(let nodes) = node.content {
            var result = ""
            for (index, each) in nodes.enumerated() {
                guard let scalar = each.scalar, !scalar.isNull else { return nil }
                result += (index == 0 ? "" : ",") + scalar.text
            }
            return result
        }
        guard let scalar = node.scalar, !scalar.isNull else { return nil }
        return scalar.text
    }

    /// `endpoint` of any section; nil when it is not there.
    @inline(never)
    static func endpoint(_ section: ManifestSection) throws(ManifestError) -> String? {
        guard let node = section.node("endpoint") else { return nil }
        let endpoint =
            try section.string("endpoint", expected: "an http or https URL of at most 2048 bytes") { _ in nil } ?? ""
        if let problem = Endpoint.problem(endpoint) { throw section.failure("endpoint", node, problem) }
        return endpoint
    }

    /// `headers` of any section.
    @inline(never)
    static func headers(_ backend: ManifestSection) throws(ManifestError) -> [(name: String, value: String)] {
        guard let node = backend.node("headers") else { return [] }
        let entries = try ManifestSection.entries(of: node, file: backend.file, path: backend.join("headers"))
        if entries.count > HTTPHeader.limitCount {
            throw backend.failure(
                "headers", node,
                entries.count.description + " headers; expected at most " + HTTPHeader.limitCount.description)
        }
        var result: [(name: String, value: String)] = []
        for entry in entries {
            let value = entry.value.scalar
            // The value is not shown, nor a name that cannot be one: either may be a credential.
            let problem =
                value.map { HTTPHeader.problem(name: entry.key, value: $0.text) }
                ?? entry.value.form + " is not text; expected the header's value"
            if let problem {
                let isName = HTTPHeader.isName(entry.key)
                throw backend.failure(isName ? "headers." + entry.key : "headers", entry.value, problem)
            }
            result.append((entry.key, value?.text ?? ""))
        }
        return result
    }
}
