import CSystem

/// Setters that check what they are given. False, with the reason in `error`, when it is wrong.
extension Options {
    package func loadManifest(path: String?) -> Bool {
        guard let found = ManifestLookup.resolve(explicit: path, tool: toolName) else {
            fail("no manifest for tool '" + toolName + "' was found")
            return false
        }
        do throws(ManifestError) {
            try Manifest.load(path: found, into: self)
            return true
        } catch {
            fail(error.text)
            return false
        }
    }

    package func setSegmentBytes(_ bytes: Int) -> Bool {
        guard SegmentLayout.isPlausible(fileSize: bytes) else {
            fail("segment_bytes " + bytes.description + ": expected a multiple of 4096 from 8192 to 16777216")
            return false
        }
        segmentBytes = bytes
        return true
    }

    /// A9: nil or empty: none.
    package func setConfig(file: String?, key: String?) -> Bool {
        setLocation(&config, file, key, inProject: false)
    }

    package func setProjectConfig(file: String?, key: String?) -> Bool {
        setLocation(&projectConfig, file, key, inProject: true)
    }

    private func setLocation(_ location: inout ConfigLocation?, _ file: String?, _ key: String?, inProject: Bool) -> Bool {
        guard let file, !file.utf8.isEmpty else {
            location = nil
            return true
        }
        if let problem = ConfigLocation.problem(file: file, inProject: inProject) ?? ConfigLocation.problem(key: key ?? "") {
            fail("config: " + problem)
            return false
        }
        location = ConfigLocation(file: file, key: key ?? "")
        return true
    }

    package func setIdentity(_ kind: telemetry_identity, rotationDays: UInt32) -> Bool {
        guard kind.rawValue <= TELEMETRY_IDENTITY_HASHED.rawValue, rotationDays <= IdentityPolicy.longestRotationDays else {
            fail("identity: expected a telemetry_identity, and rotation_days from 0 to 3650")
            return false
        }
        identity = kind
        self.rotationDays = rotationDays
        return true
    }

    package func setEphemeral(_ mode: telemetry_ephemeral) -> Bool {
        guard mode.rawValue <= TELEMETRY_EPHEMERAL_ALWAYS.rawValue else {
            fail("ephemeral: expected a telemetry_ephemeral")
            return false
        }
        ephemeral = mode
        return true
    }

    /// A13: nil: a generic one is shown.
    package func setNotice(_ notice: Notice?) -> Bool {
        if let problem = notice?.problem {
            fail("notice: " + problem)
            return false
        }
        self.notice = notice
        noticeVersion = notice?.version ?? ""
        return true
    }

    package func setMetadata(_ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int) -> Bool {
        var made: [(key: String, value: AttributeValue)] = []
        // More than may be set is an error of its own; the list is not walked to its end for that.
        for index in 0..<min(max(0, count), EventLimits.attributes) {
            guard let attributes, let key = attributes[index].key, let value = AttributeValue(attributes[index]) else {
                fail("metadata attribute " + index.description + ": expected a key and a typed value")
                return false
            }
            made.append((String(cString: key), value))
        }
        if let problem = Metadata.validate(made) {
            fail(problem)
            return false
        }
        metadata = made
        return true
    }

    package func setFileBackend(path: String?, maxBytes: UInt64, maxFiles: UInt32) -> Bool {
        guard path?.isEmpty != true else {
            fail("file backend: path is empty; expected a file, or none for the default")
            return false
        }
        setBackend(.file(path: path, maxBytes: maxBytes == 0 ? BackendChoice.fileBytes : Int64(clamping: maxBytes),
                         maxFiles: maxFiles == 0 ? BackendChoice.fileCount : Int(maxFiles)))
        return true
    }

    package func setHTTPBackend(endpoint: String, headerLines: [String]) -> Bool {
        if let problem = Endpoint.problem(endpoint) {
            fail(problem)
            return false
        }
        let choice = NetworkChoice(.http)
        _ = choice.set("endpoint", endpoint)
        for (index, line) in headerLines.enumerated() {
            guard let header = HTTPHeader.parse(line) else {
                fail("header " + index.description + ": expected 'Name: value' without control characters")
                return false
            }
            choice.headers.append(header)
        }
        setBackend(.network(choice))
        return true
    }

    /// The keys of a manifest's `backend`.
    package func addBackend(kind: String, _ settings: UnsafePointer<telemetry_attribute>?, _ count: Int) -> Bool {
        var name = kind
        let choice: BackendChoice
        if let network = NetworkKind.named(kind) {
            choice = .network(NetworkChoice(network))
        } else if kind == "noop" || kind == "stdout" {
            choice = kind == "noop" ? .noop : .stdout
        } else if kind == "file" {
            choice = .defaultFile
        } else {
            fail("backend '" + Excerpt.of(kind) + "': not known; expected " + BackendSection.kinds)
            return false
        }
        var file = FileSettings()
        for index in 0..<max(0, count) {
            guard let settings, let key = settings[index].key.map({ String(cString: $0) }),
                let value = AttributeValue(settings[index])?.text
            else {
                fail("backend " + kind + ": setting " + index.description + ": expected a key and a string, an int or a bool")
                return false
            }
            var problem: String?
            if key == "name" {
                name = value
            } else if case .network(let network) = choice {
                problem = network.has(key) || HTTPHeader.isSetting(key) ? network.set(key, value) : "not a setting of this kind"
            } else {
                problem = kind == "file" ? file.set(key, value) : "not a setting of this kind"
            }
            if let problem {
                fail("backend " + kind + ": " + Excerpt.of(key) + ": " + problem)
                return false
            }
        }
        if case .network(let network) = choice, let problem = network.problem() {
            fail("backend " + kind + ": " + problem.key + ": " + problem.text)
            return false
        }
        return addDestination(Destination(name: name, kind == "file" ? file.choice : choice))
    }

    package func setCustomBackend(_ functions: UnsafePointer<telemetry_backend>?) -> Bool {
        guard let functions, functions.pointee.size != 0 else {
            fail("custom backend: expected a telemetry_backend with its size set")
            return false
        }
        var copy = telemetry_backend()
        memcpy(&copy, functions, min(functions.pointee.size, MemoryLayout<telemetry_backend>.size))
        guard copy.send != nil else {
            fail("custom backend: send is NULL")
            return false
        }
        setBackend(.custom(copy))
        return true
    }
}

/// Of the file backend, as they come in.
private struct FileSettings {
    private var path: String?
    private var maxBytes = BackendChoice.fileBytes
    private var maxFiles = Int64(BackendChoice.fileCount)

    var choice: BackendChoice { .file(path: path, maxBytes: maxBytes, maxFiles: Int(clamping: maxFiles)) }

    /// Nil: done. Otherwise what is wrong.
    mutating func set(_ key: String, _ value: String) -> String? {
        switch key {
        case "path":
            if value.utf8.isEmpty { return "empty; expected a file" }
            path = value
        case "max_bytes":
            guard let number = YAMLNumber.integer(value), (FileBackend.minBytes...1 << 40).contains(number) else {
                return "expected an integer from 4096 to 1099511627776"
            }
            maxBytes = number
        case "max_files":
            guard let number = YAMLNumber.integer(value), (1...1000).contains(number) else { return "expected an integer from 1 to 1000" }
            maxFiles = number
        default: return "not a setting of this kind"
        }
        return nil
    }
}

extension AttributeValue {
    /// As it would stand in a manifest; nil for a double.
    fileprivate var text: String? {
        switch self {
        case .string(let text): text
        case .int(let number): number.description
        case .bool(let value): value ? "true" : "false"
        case .double: nil
        }
    }

    /// Nil for an unknown type or a NULL string.
    init?(_ attribute: telemetry_attribute) {
        switch attribute.type {
        case TELEMETRY_STRING:
            guard let text = attribute.value.string else { return nil }
            self = .string(String(cString: text))
        case TELEMETRY_INT: self = .int(attribute.value.integer)
        case TELEMETRY_DOUBLE: self = .double(attribute.value.number)
        case TELEMETRY_BOOL: self = .bool(attribute.value.integer & 0xFF != 0)
        default: return nil
        }
    }
}
