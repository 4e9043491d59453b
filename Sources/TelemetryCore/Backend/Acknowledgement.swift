/// What a body says of who has answered: a login page, a portal or a proxy may say 200 in a receiver's place.
enum Acknowledgement {
    /// No more than the status: nothing, an object without members, or a word.
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

    /// A page for a person, whatever it is said to be.
    static func isPage(_ response: HTTPResponse) -> Bool {
        response.isHTML && response.body.first { $0 > 0x20 } == UInt8(ascii: "<")
    }
}
