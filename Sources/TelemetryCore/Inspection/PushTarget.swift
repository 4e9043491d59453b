// SPDX-License-Identifier: Apache-2.0

/// Why something cannot be pushed there. It repeats nothing of a URL, which may hold a password.
package struct PushTargetError: Error, Equatable {
    package let text: String
}

/// A group of metrics at a Pushgateway: its URL, and the labels that are the group's key.
package struct PushTarget {
    let endpoint: Endpoint
    /// The line of the header Authorization; nil: none.
    let authorization: String?

    /// Without user information, for people.
    package var description: String { endpoint.description }

    /// `url`: of the gateway, as far as its path prefix. `grouping`: further labels, in this order.
    package init(url: String, job: String, grouping: [(name: String, value: String)]) throws(PushTargetError) {
        let (plain, user) = try Self.split(url)
        if plain.utf8.contains(UInt8(ascii: "?")) {
            throw PushTargetError(text: "the URL has a query; expected one such as http://localhost:9091")
        }
        if job.utf8.isEmpty { throw PushTargetError(text: "the job is empty; expected a name") }
        var base = Array(plain.utf8)
        while base.last == UInt8(ascii: "/") { base.removeLast() }
        var path = base + Array("/metrics".utf8) + Self.part("job", job)
        for (index, label) in grouping.enumerated() {
            if let problem = Self.problem(label.name, before: grouping[..<index]) {
                throw PushTargetError(text: problem)
            }
            path += Self.part(label.name, label.value)
        }
        do throws(EndpointError) { endpoint = try Endpoint.parse(String(bytes: path), allowingHTTP: true) } catch {
            throw PushTargetError(text: error.text)
        }
        authorization = user.map { "Authorization: Basic " + Base64.text(of: $0) }
        if authorization != nil && endpoint.scheme == .http && !endpoint.isLoopback {
            throw PushTargetError(
                text: "the URL holds user information, which would go to another machine without TLS; expected https")
        }
    }

    /// The data model of Prometheus. What begins with two underscores is Prometheus' own.
    private static func problem(_ name: String, before: ArraySlice<(name: String, value: String)>) -> String? {
        let bytes = Array(name.utf8)
        let isName = bytes.allSatisfy {
            Authority.isDigit($0) || $0 == UInt8(ascii: "_")
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(Authority.lowercase($0))
        }
        if !isName || bytes.isEmpty || Authority.isDigit(bytes[0]) || bytes.starts(with: "__".utf8) {
            return "grouping label '" + Excerpt.of(name)
                + "': expected letters, digits and '_', beginning with a letter"
        }
        if name == "le" { return "grouping label 'le': expected another name; it is that of a histogram's bounds" }
        if name == "job" { return "grouping label 'job': expected --job NAME" }
        for other in before where other.name == name { return "grouping label '" + name + "': expected each name once" }
        return nil
    }

    /// `/NAME/VALUE`. The gateway takes what a path cannot hold in base64, without padding; a value that is empty is one
    /// padding character.
    private static func part(_ name: String, _ value: String) -> [UInt8] {
        let bytes = Array(value.utf8)
        var made = Array("/".utf8) + Array(name.utf8)
        // A proxy may take apart or normalise what else is not plain.
        let isPlain = !bytes.isEmpty && value != "." && value != ".." && bytes.allSatisfy { isUnreserved($0) }
        if isPlain { return made + Array("/".utf8) + bytes }
        made += Array("@base64/".utf8)
        if bytes.isEmpty { return made + [UInt8(ascii: "=")] }
        for digit in Base64.text(of: bytes).utf8 where digit != UInt8(ascii: "=") {
            made.append(
                digit == UInt8(ascii: "+") ? UInt8(ascii: "-") : digit == UInt8(ascii: "/") ? UInt8(ascii: "_") : digit)
        }
        return made
    }

    /// RFC 3986, section 2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: Authority.isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(Authority.lowercase(byte))
        }
    }

    /// The URL without user information, and that information, decoded.
    private static func split(_ url: String) throws(PushTargetError) -> (String, [UInt8]?) {
        let bytes = Array(url.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes.count >= colon + 3,
            bytes[colon + 1] == UInt8(ascii: "/"), bytes[colon + 2] == UInt8(ascii: "/")
        else { return (url, nil) }
        let authority = bytes[(colon + 3)...].prefix {
            $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
        }
        guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { return (url, nil) }
        guard let user = decoded(authority[..<at]) else {
            throw PushTargetError(
                text: "the URL's user information is malformed; expected '%' and two hexadecimal digits")
        }
        // RFC 7617, section 2: a user name has no colon, and a password is expected.
        return (
            String(bytes: Array(bytes[..<(colon + 3)] + bytes[(at + 1)...])),
            user.contains(UInt8(ascii: ":")) ? user : user + [UInt8(ascii: ":")]
        )
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap({ Hexadecimal.value(inAnyCase: $0) }),
                let low = rest.popFirst().flatMap({ Hexadecimal.value(inAnyCase: $0) })
            else { return nil }
            result.append(high << 4 | low)
        }
        return result
    }
}
