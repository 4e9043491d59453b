// SPDX-License-Identifier: Apache-2.0

/// What a body says about the host that answered: a login page, a portal or a proxy may answer 200 in a receiver's
/// place.
enum Acknowledgement {
    /// It says no more than the status: nothing, an object without members, or a word.
    case bare
    /// An object with members.
    case object
    /// None of these.
    case other

    init(_ body: [UInt8]) {
        let text = body.filter { $0 > 0x20 }
        if text.isEmpty || text == Array("{}".utf8) || text.map({ Authority.lowercase($0) }) == Array("ok".utf8) {
            self = .bare
        } else {
            self = text.first == UInt8(ascii: "{") ? .object : .other
        }
    }

    /// A page for a person, whatever its declared type: portals declare any type, or none. JSON is not a page, whatever
    /// its texts contain.
    @inline(never)
    static func isPage(_ response: HTTPResponse) -> Bool {
        // Without the byte order mark and the other bytes of UTF-16, only the letters are left.
        let text = response.body.filter { (1...0x7F).contains($0) }.map { Authority.lowercase($0) }
        guard let start = text.firstIndex(where: { $0 > 0x20 }), text[start] != UInt8(ascii: "{"),
            text[start] != UInt8(ascii: "[")
        else { return false }
        if response.isHTML { return text.contains(UInt8(ascii: "<")) }
        for sign in ["<html", "<!doctype html", "<script", "<meta ", "<iframe"] where ByteSearch.contains(text, sign) {
            return true
        }
        guard text[start] == UInt8(ascii: "<") else { return false }
        let name = text[(start &+ 1)...].prefix { $0 != 0x20 && $0 != UInt8(ascii: ">") && $0 != 0x0A && $0 != 0x0D }
        return ByteSearch.contains(Array(firstTags.utf8), [0x20] + name + [0x20])
    }

    /// WHATWG MIME Sniffing, section 7.1: the tags that a page begins with, besides the above and a comment; and tags
    /// that may come in their place.
    private static let firstTags =
        " head h1 div font table a style title b body br p form center link img noscript frameset "

    /// For a request for erasure: nothing, a word of consent, or JSON without an error. Any other answer may come from
    /// anyone.
    static func acceptsErasure(_ response: HTTPResponse) -> Bool {
        if isPage(response) { return false }
        switch Acknowledgement(response.body) {
        case .bare: return true
        case .object: return !JSONAnswer.has("error", in: response.body)
        case .other: return false
        }
    }
}
