// SPDX-License-Identifier: Apache-2.0

/// A receiver as the tool's author chose it, setting by setting; the same keys in a manifest and in
/// telemetry_options_add_backend().
package final class NetworkChoice {
    package let kind: Receiver
    /// As it was given; empty: the receiver's own address.
    package private(set) var endpoint = ""
    package var headers: [(name: String, value: String)] = []
    package private(set) var key = APIKey.none
    /// For `http` and `otlp`: the header that carries the key alone; empty: `Authorization: Bearer`.
    package private(set) var keyHeader = ""
    package private(set) var isCompressed = false
    /// The author allows http to a host that is not this machine.
    package private(set) var allowsHTTP = false
    /// Longest time one request may take; 0: the collector's own.
    package private(set) var timeoutMilliseconds: UInt32 = 0
    private var settings: [(name: String, value: String)] = []
    /// Of events on the wire.
    var form = EventForm()
    /// `compression` was given, even if as none.
    private(set) var isCompressionSet = false
    /// The endpoint is a whole URL, to which no path is added.
    private var isEndpointWhole = false
    /// What could not be used of the environment, as one sentence without a value that may be a secret; empty: nothing.
    package var environmentProblem = ""

    package init(_ kind: Receiver) { self.kind = kind }

    /// The value given last. Empty: not set.
    package func setting(_ name: String) -> String {
        var value = ""
        for setting in settings where setting.name == name { value = setting.value }
        return value
    }

    /// All keys of all kinds, to suggest a correction for a misspelt one.
    static var keys: [String] {
        var keys = [
            "endpoint", "headers", "timeout_ms", "compression", "allow_http", "api_key", "api_key_env", "api_key_file",
            "api_key_header",
        ]
        for kind in Receiver.all {
            for setting in kind.settings where !keys.contains(setting.name) { keys.append(setting.name) }
        }
        return keys
    }

    /// Whether this kind has such a key.
    func has(_ key: String) -> Bool {
        switch key {
        case "endpoint", "timeout_ms": true
        case "headers", "compression", "allow_http": kind.answers
        case "api_key", "api_key_env", "api_key_file": kind.key != .none
        case "api_key_header": kind.key == .bearer
        default: kind.setting(key) != nil
        }
    }

    /// Nil: done. Otherwise what is wrong, never with a value that may be a secret.
    func set(_ key: String, _ value: String) -> String? {
        switch key {
        case "endpoint":
            if value.utf8.isEmpty { return Endpoint.problem(value) }
            endpoint = value
        case "timeout_ms":
            let range = Setting.requestTimeout.range
            guard let number = YAMLNumber.integer(value), range.contains(number) else {
                return Self.unknown(range.expected)
            }
            timeoutMilliseconds = UInt32(clamping: number)
        case "compression":
            guard value == "gzip" || value == "none" else { return Self.unknown("gzip or none") }
            isCompressed = value == "gzip"
            isCompressionSet = true
        case "allow_http":
            guard value == "true" || value == "false" else { return Self.unknown("true or false") }
            allowsHTTP = value == "true"
        case "api_key_header":
            if let problem = HTTPHeader.problem(name: value, value: "") { return problem }
            keyHeader = value
        case "api_key", "api_key_env", "api_key_file": return setKey(key, value)
        default: return setOwn(key, value)
        }
        return nil
    }

    private func setKey(_ how: String, _ value: String) -> String? {
        if self.key != .none { return "a second key; expected one of api_key, api_key_env and api_key_file" }
        switch how {
        case "api_key":
            guard APIKey.isValid(value) else { return "not a key; expected visible ASCII of at most 4096 bytes" }
            self.key = .value(value)
        case "api_key_env":
            guard Self.isVariable(value) else { return Self.unknown("the name of an environment variable") }
            self.key = .environment(value)
        default:
            guard value.utf8.first == UInt8(ascii: "/"), value.utf8.count <= 4095, !UnseenCharacter.isIn(value) else {
                return Self.unknown("an absolute path of at most 4095 bytes")
            }
            self.key = .file(value)
        }
        return nil
    }

    private func setOwn(_ key: String, _ value: String) -> String? {
        guard let choices = kind.setting(key)?.choices else { return "not a setting of " + kind.name }
        if let range = kind.setting(key)?.numbers {
            let isNumber = !value.utf8.isEmpty && value.utf8.allSatisfy { Authority.isDigit($0) }
            guard isNumber, let number = YAMLNumber.integer(value), range.contains(number) else {
                return Self.unknown(range.expected)
            }
        } else if kind.setting(key)?.isList == true {
            guard let words = Self.words(value, of: choices) else {
                return Self.unknown("each of " + choices + " at most once")
            }
            settings.append((key, words))
            return nil
        } else if choices.utf8.isEmpty {
            guard (1...200).contains(value.utf8.count), !UnseenCharacter.isIn(value) else {
                return Self.unknown("1 to 200 bytes without control characters")
            }
        } else if !Self.list(choices, has: value) {
            return Self.unknown("one of " + choices)
        }
        settings.append((key, value))
        return nil
    }

    /// The value is not repeated: a key may be in the place of another setting.
    @inline(never)
    private static func unknown(_ expected: String) -> String { "the value is not known; expected " + expected }

    /// Words between single spaces.
    private static func list(_ words: String, has word: String) -> Bool {
        let list = Array((" " + words + " ").utf8)
        let wanted = Array((" " + word + " ").utf8)
        guard wanted.count <= list.count, !word.utf8.contains(0x20) else { return false }
        for start in 0...(list.count - wanted.count) where Array(list[start..<(start + wanted.count)]) == wanted {
            return true
        }
        return false
    }

    /// The words of `text` with single spaces between them. Nil: one is not in `list`, is there twice, or there is none.
    private static func words(_ text: String, of list: String) -> String? {
        var result = ""
        for word in Array(text.utf8).split(whereSeparator: { $0 == UInt8(ascii: ",") || $0 == 0x20 }) {
            let word = String(bytes: word)
            if !Self.list(list, has: word) || Self.list(result, has: word) { return nil }
            result += (result.utf8.isEmpty ? "" : " ") + word
        }
        return result.utf8.isEmpty ? nil : result
    }

    /// POSIX, "Environment Variables": letters, digits and '_', not beginning with a digit.
    private static func isVariable(_ name: String) -> Bool {
        guard let first = name.utf8.first, !Authority.isDigit(first), name.utf8.count <= 200 else { return false }
        return Array(name.utf8).allSatisfy { PercentEncoding.isAlphanumeric($0) || $0 == UInt8(ascii: "_") }
    }

    /// What is wrong with the settings together: the key concerned, and a sentence. Nil: nothing.
    package func problem() -> (key: String, text: String)? {
        if kind.key == .needed && key == .none {
            return ("api_key", "missing; expected one of api_key, api_key_env and api_key_file")
        }
        if endpoint.utf8.isEmpty {
            let environment = setting("environment")
            if kind.ownBase != nil || (!environment.utf8.isEmpty && environment != "ignore") { return nil }
            return (
                "endpoint",
                "missing; expected " + (kind.answers ? "an http or https URL of at most 2048 bytes" : "udp://host:port")
            )
        }
        if !kind.answers {
            return datagramReceiver == nil
                ? ("endpoint", "not an address for datagrams; expected udp://host or udp://host:port") : nil
        }
        return Endpoint.problem(endpoint, allowingHTTP: allowsHTTP).map { ("endpoint", $0) }
    }

    /// Where datagrams go. Nil: the endpoint is not `udp://host` or `udp://host:port`.
    var datagramReceiver: Authority? {
        let bytes = Array(endpoint.utf8)
        guard bytes.count > 6, bytes.count <= Endpoint.maxLength, Array(bytes[0..<6]) == Array("udp://".utf8) else {
            return nil
        }
        return try? Authority.parse(bytes[6...])
    }

    /// Where it posts to: an endpoint without a path gets the receiver's own.
    package var url: String {
        if isEndpointWhole || setting("endpoint_is_whole") == "true" { return endpoint }
        let base = endpoint.utf8.isEmpty ? kind.ownBase?(self) ?? "" : endpoint
        if let url = kind.complete?(base) { return url }
        let bytes = Array(base.utf8)
        // Behind the scheme's two slashes: the first one ends host and port.
        var slashes = 0
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") {
            slashes += 1
            guard slashes == 3 else { continue }
            let isBare = index == bytes.count - 1 && byte == UInt8(ascii: "/") && !kind.path.utf8.isEmpty
            return isBare ? String(bytes: bytes.dropLast()) + kind.path : base
        }
        return base + kind.path
    }

    /// The same for people, without what may be a secret.
    package var address: String {
        if url == kind.path {
            let variable =
                kind.isForSpans
                ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
                : kind.path == "/v1/metrics"
                    ? "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" : "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
            return "the endpoint of " + variable + " or OTEL_EXPORTER_OTLP_ENDPOINT"
        }
        return (try? Endpoint.parse(url, allowingHTTP: allowsHTTP))?.description ?? url
    }

    /// Why the key cannot be read at this moment; nil: it can.
    package var keyProblem: String? {
        do throws(APIKeyError) {
            _ = try key.read()
            return nil
        } catch {
            return error.text
        }
    }

    /// What tells this receiver from any other. With the vendor's own address, the key says whose events they are.
    /// Elsewhere another key means the same receiver, and only where the key comes from counts.
    var identity: [String] {
        var parts = [kind.name, url]
        switch key {
        case .none: break
        case .value(let value): parts.append(endpoint.utf8.isEmpty ? value : "key")
        case .environment(let name): parts.append(name)
        case .file(let path): parts.append(path)
        }
        for header in headers { parts.append(header.name) }
        for setting in settings where !isOfOthers(setting.name) {
            parts.append(setting.name)
            parts.append(setting.value)
        }
        return parts
    }

    /// The setting does not say where events go: with another value, the receiver of the events is the same.
    private func isOfOthers(_ name: String) -> Bool {
        // To Datadog a service is something else.
        let service = kind.forMetrics == nil && !kind.isForSpans ? "" : "service"
        for other in ["signals", "temporality", "metrics_interval_ms", "service_version", service]
        where Array(other.utf8) == Array(name.utf8) {
            return true
        }
        return false
    }

    /// The header that carries the key; nil: none does, or the format puts it elsewhere.
    func keyHeaderLine(_ key: String) -> String? {
        if self.key == .none { return nil }
        if !keyHeader.utf8.isEmpty { return keyHeader + ": " + key }
        return kind.key == .bearer ? "Authorization: Bearer " + key : nil
    }
}

// What the environment of the process changes.
extension NetworkChoice {
    /// The choice as it applies in this process.
    package var resolved: NetworkChoice { kind.resolve?(self) ?? self }

    /// A separate choice with the same settings. `other`: for that kind.
    func copy(as other: Receiver? = nil) -> NetworkChoice {
        let copy = NetworkChoice(other ?? kind)
        copy.endpoint = endpoint
        copy.headers = headers
        copy.key = key
        copy.keyHeader = keyHeader
        copy.isCompressed = isCompressed
        copy.isCompressionSet = isCompressionSet
        copy.allowsHTTP = allowsHTTP
        copy.timeoutMilliseconds = timeoutMilliseconds
        copy.settings = settings
        copy.form = form
        return copy
    }

    /// Posts to `url` as it is.
    func redirect(to url: String) {
        endpoint = url
        isEndpointWhole = true
    }

    func dropCredentials() {
        headers = []
        key = .none
        keyHeader = ""
    }
}
