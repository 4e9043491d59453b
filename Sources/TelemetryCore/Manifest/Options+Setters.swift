// SPDX-License-Identifier: Apache-2.0
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

    /// Sets all of them, or none.
    package func setSpoolLimits(bytes: UInt64, segments: UInt32, ageSeconds: UInt32) -> Bool {
        guard check(.spoolBytes, bytes), check(.spoolSegments, UInt64(segments)), check(.spoolAge, UInt64(ageSeconds))
        else { return false }
        store(.spoolBytes, bytes)
        store(.spoolSegments, UInt64(segments))
        store(.spoolAge, UInt64(ageSeconds))
        return true
    }

    package func setHelper(_ path: String?) -> Bool {
        guard path == nil || path?.utf8.first == UInt8(ascii: "/") else {
            fail("helper '" + Excerpt.of(path ?? "") + "': expected an absolute path")
            return false
        }
        settings.helper = path
        return true
    }

    /// Nil or empty: none.
    package func setMetricsListener(_ address: String?) -> Bool {
        guard let address, !address.utf8.isEmpty else {
            settings.metricsListener = nil
            return true
        }
        do throws(ListenAddressError) {
            settings.metricsListener = try ListenAddress.parse(address)
            return true
        } catch {
            fail("metrics listener: " + error.text)
            return false
        }
    }

    /// C12: 0: the default.
    package func setHeartbeat(seconds: UInt32, failures: UInt32) -> Bool {
        let period = seconds == 0 ? Setting.heartbeatPeriod.initial : Int64(seconds)
        let count = failures == 0 ? Setting.heartbeatFailures.initial : Int64(failures)
        guard Setting.heartbeatPeriod.range.contains(period), Setting.heartbeatFailures.range.contains(count) else {
            fail("heartbeat: expected a period from 60 to 2592000 seconds, and 1 to 1000 failures")
            return false
        }
        self[.heartbeat] = 1
        self[.heartbeatPeriod] = period
        self[.heartbeatFailures] = count
        return true
    }

    /// A9: nil or empty: none. Without a key the file holds the answer alone.
    package func setConfig(file: String?, key: String?) -> Bool {
        guard checkLocation(file, key, inProject: false) else { return false }
        settings.config = Self.location(file, key)
        return true
    }

    package func setProjectConfig(file: String?, key: String?) -> Bool {
        guard checkLocation(file, key, inProject: true) else { return false }
        settings.projectConfig = Self.location(file, key)
        return true
    }

    private func checkLocation(_ file: String?, _ key: String?, inProject: Bool) -> Bool {
        guard let file, !file.utf8.isEmpty,
            let problem = ConfigLocation.problem(file: file, inProject: inProject)
                ?? (key == nil && !inProject ? nil : ConfigLocation.problem(key: key ?? ""))
        else { return true }
        fail("config: " + problem)
        return false
    }

    private static func location(_ file: String?, _ key: String?) -> ConfigLocation? {
        guard let file, !file.utf8.isEmpty else { return nil }
        return ConfigLocation(file: file, key: key)
    }

    package func setIdentity(_ kind: telemetry_identity, rotationDays: UInt32) -> Bool {
        guard Setting.identityKind.range.contains(Int64(kind.rawValue)),
            Setting.rotationDays.range.contains(Int64(rotationDays))
        else {
            fail("identity: expected a telemetry_identity, and rotation_days from 0 to 3650")
            return false
        }
        self[.identityKind] = Int64(kind.rawValue)
        self[.rotationDays] = Int64(rotationDays)
        return true
    }

    package func setEphemeral(_ mode: telemetry_ephemeral) -> Bool {
        guard Setting.ephemeral.range.contains(Int64(mode.rawValue)) else {
            fail("ephemeral: expected a telemetry_ephemeral")
            return false
        }
        self[.ephemeral] = Int64(mode.rawValue)
        return true
    }

    /// A13: nil: a generic one is shown.
    package func setNotice(_ notice: Notice?) -> Bool {
        if let problem = notice?.problem {
            fail("notice: " + problem)
            return false
        }
        settings.notice = notice
        return true
    }

    /// Nil or empty: none.
    package func setBackendInfo(_ text: String?) -> Bool {
        guard let text = shown(text ?? "", "backend info", limitBytes: 1000) else { return false }
        settings.backendWords = text
        return true
    }

    package func setLog(
        _ call: (@convention(c) (UnsafeMutableRawPointer?, telemetry_log_level, UnsafePointer<CChar>?) -> Void)?,
        _ context: UnsafeMutableRawPointer?
    ) {
        settings.log = call.map { LogCallback(call: $0, context: context) }
    }

    /// Nil or empty name: the library's own.
    package func setRuntime(_ name: String?, version: String?) -> Bool {
        guard let name = shown(name ?? "", "runtime's name", limitBytes: 64),
            let version = shown(version ?? "", "runtime's version", limitBytes: 64)
        else { return false }
        settings.runtime = name.utf8.isEmpty || version.utf8.isEmpty ? name : name + "/" + version
        return true
    }

    /// Nil: it is not such a text.
    private func shown(_ text: String, _ what: String, limitBytes: Int) -> String? {
        if text.utf8.count <= limitBytes && !UnseenCharacter.isIn(text) { return text }
        fail(what + ": expected at most " + limitBytes.description + " bytes without control characters")
        return nil
    }

    package func setMetadata(_ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int) -> Bool {
        var made: [(key: String, value: AttributeValue)] = []
        // More attributes than may be set are a separate error; the list is not walked to its end for that.
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
        settings.metadata = made
        return true
    }

    package func setFileBackend(path: String?, maxBytes: UInt64, maxFiles: UInt32) -> Bool {
        if let path, let problem = BackendChoice.problem(path: path) {
            fail("file backend: " + problem + "; expected " + BackendChoice.expectedPath + ", or none for the default")
            return false
        }
        guard check(.fileBytes, maxBytes), check(.fileCount, UInt64(maxFiles)) else { return false }
        let bytes = maxBytes == 0 ? Setting.fileBytes.initial : Int64(clamping: maxBytes)
        let files = maxFiles == 0 ? Setting.fileCount.initial : Int64(maxFiles)
        setBackend(.file(path: path, maxBytes: bytes, maxFiles: Int(clamping: files)))
        return true
    }

    package func setHTTPBackend(endpoint: String, headerLines: [String]) -> Bool {
        if let problem = Endpoint.problem(endpoint) {
            fail(problem)
            return false
        }
        if headerLines.count > HTTPHeader.limitCount {
            fail(headerLines.count.description + " headers; expected at most " + HTTPHeader.limitCount.description)
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

    /// Takes the keys of a manifest's `backend`, and reads them as a manifest is read.
    /// `isOperators`: it is the operator of the program who has chosen it.
    package func addBackend(
        kind: String, _ settings: UnsafePointer<telemetry_attribute>?, _ count: Int, isOperators: Bool = false
    ) -> Bool {
        var entries = [YAMLEntry("kind", AttributeValue.string(kind))]
        var headers: [YAMLEntry] = []
        var fields: [YAMLEntry] = []
        for index in 0..<max(0, count) {
            guard let settings, let key = settings[index].key, let value = AttributeValue(settings[index]) else {
                fail("backend: setting " + index.description + ": expected a key and a typed value")
                return false
            }
            // "headers.NAME"
            if strncmp(key, "headers.", 8) == 0 {
                headers.append(YAMLEntry(String(cString: key + 8), value))
            } else if strncmp(key, "fields.", 7) == 0 {
                YAMLEntry.add(String(cString: key + 7), value, to: &fields)
            } else {
                entries.append(YAMLEntry(String(cString: key), Self.asPath(key, settings[index]) ?? value))
            }
        }
        if !fields.isEmpty { entries.append(YAMLEntry("fields", YAMLNode(fields))) }
        if !headers.isEmpty { entries.append(YAMLEntry("headers", YAMLNode(headers))) }
        do throws(ManifestError) {
            let added = try BackendSection.destination(YAMLNode(entries), "", "backend", isCode: true)
            return isOperators ? addOperatorDestination(added) : addDestination(added)
        } catch {
            fail(error.text)
            return false
        }
    }

    /// The value of a setting that is a path.
    private static func asPath(_ key: UnsafePointer<CChar>, _ setting: telemetry_attribute) -> AttributeValue? {
        guard strcmp(key, "path") == 0 || strcmp(key, "api_key_file") == 0, setting.type == TELEMETRY_STRING else {
            return nil
        }
        return setting.value.string.map { .string(PathText.string($0)) }
    }

    package func setCustomBackend(_ functions: UnsafePointer<telemetry_backend>?) -> Bool {
        guard let functions, functions.pointee.size != 0 else {
            fail("custom backend: expected a telemetry_backend with its size set")
            return false
        }
        var copy = telemetry_backend()
        memcpy(&copy, functions, min(functions.pointee.size, MemoryLayout<telemetry_backend>.size))
        guard copy.send != nil || copy.known.send_events != nil else {
            fail("custom backend: send is NULL, and so is send_events")
            return false
        }
        let info = copy.info
        copy.name = nil
        setBackend(.custom(copy, info: info))
        return true
    }
}

extension AttributeValue {
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

// Settings in code, as the nodes that a manifest would have for them.
extension YAMLEntry {
    fileprivate convenience init(_ key: String, _ value: AttributeValue) {
        let scalar: YAMLScalar
        switch value {
        case .string(let text): scalar = YAMLScalar(text: text, isPlain: false)
        case .int(let number): scalar = YAMLScalar(text: number.description, isPlain: true)
        case .bool(let value): scalar = YAMLScalar(text: value ? "true" : "false", isPlain: true)
        // Of what has no text as a number, the empty text in its place is refused.
        case .double(let number): scalar = YAMLScalar(text: number.isFinite ? number.description : "", isPlain: true)
        }
        self.init(key, YAMLNode(content: .scalar(scalar), position: .none))
    }

    /// `a.b`: as `b` in a mapping `a`, which is made if there is none.
    fileprivate static func add(_ path: String, _ value: AttributeValue, to entries: inout [YAMLEntry]) {
        let parts = Array(path.utf8).split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return entries.append(YAMLEntry(path, value)) }
        let outer = String(bytes: parts[0])
        var inner: [YAMLEntry] = []
        let index = entries.firstIndex { $0.key == outer && $0.value.scalar == nil }
        if let index, case .mapping(let there) = entries[index].value.content { inner = there }
        add(String(bytes: parts[1]), value, to: &inner)
        let entry = YAMLEntry(outer, YAMLNode(inner))
        if let index { entries[index] = entry } else { entries.append(entry) }
    }

    fileprivate convenience init(_ key: String, _ value: YAMLNode) {
        self.init(key: key, position: .none, value: value)
    }
}

extension YAMLNode {
    fileprivate convenience init(_ entries: [YAMLEntry]) { self.init(content: .mapping(entries), position: .none) }
}
