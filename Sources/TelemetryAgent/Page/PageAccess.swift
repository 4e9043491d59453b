// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What opens the page over a port to a browser: it has shown an address with a token, which only the Unix socket gives
/// out. The address counts once.
struct PageAccess {
    struct Session {
        /// What the browser has to show with each request.
        fileprivate let cookie: [UInt8]
        /// What a form has to hold: a page that cannot be read cannot send it.
        package let formToken: [UInt8]
        fileprivate var lastUse: Int64
    }

    private var tokens: [(text: [UInt8], made: Int64)] = []
    private var sessions: [Session] = []

    static let cookieName: StaticString = "telemetry-session"
    private static let tokenNanoseconds: Int64 = 600_000_000_000
    private static let sessionNanoseconds: Int64 = 1_800_000_000_000
    private static let tokenLimit = 8
    private static let sessionLimit = 8

    init() {}

    /// The latest time at which something of it may still be used; nil: nothing may.
    func end(now: Int64) -> Int64? {
        let ends =
            tokens.map { $0.made &+ Self.tokenNanoseconds } + sessions.map { $0.lastUse &+ Self.sessionNanoseconds }
        guard let last = ends.max(), last > now else { return nil }
        return last
    }

    /// Of the address.
    mutating func issue(now: Int64) -> [UInt8] {
        forget(now)
        if tokens.count >= Self.tokenLimit { tokens.removeFirst() }
        let token = Self.secret()
        tokens.append((token, now))
        return token
    }

    /// A browser shows a token. Nil: there is no such token, or not any more.
    mutating func begin(_ token: [UInt8], now: Int64) -> [UInt8]? {
        forget(now)
        guard let index = tokens.firstIndex(where: { Self.isSame($0.text, token) }) else { return nil }
        tokens.remove(at: index)
        if sessions.count >= Self.sessionLimit,
            let oldest = sessions.indices.min(by: { sessions[$0].lastUse < sessions[$1].lastUse })
        {
            sessions.remove(at: oldest)
        }
        let session = Session(cookie: Self.secret(), formToken: Self.secret(), lastUse: now)
        sessions.append(session)
        return session.cookie
    }

    /// That of the request. Nil: it has none, or not any more.
    mutating func session(of request: HTTPRequest, now: Int64) -> Session? {
        forget(now)
        for field in request.fields where ("cookie" as StaticString).isSame(field.name) {
            for part in field.value.split(separator: UInt8(ascii: ";")) {
                let pair = part.drop { $0 == 0x20 }
                guard let equals = pair.firstIndex(of: UInt8(ascii: "=")),
                    Self.cookieName.isSame(Array(pair[..<equals]))
                else { continue }
                let value = Array(pair[(equals &+ 1)...])
                if let index = sessions.firstIndex(where: { Self.isSame($0.cookie, value) }) {
                    sessions[index].lastUse = now
                    return sessions[index]
                }
            }
        }
        return nil
    }

    private mutating func forget(_ now: Int64) {
        tokens.removeAll { $0.made &+ Self.tokenNanoseconds <= now }
        sessions.removeAll { $0.lastUse &+ Self.sessionNanoseconds <= now }
    }

    /// 128 bits, as hexadecimal digits.
    private static func secret() -> [UInt8] {
        Array((Hexadecimal.text(Random.word()) + Hexadecimal.text(Random.word())).utf8)
    }

    /// How long it takes says nothing about where they differ.
    package static func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        var difference: UInt8 = 0
        for index in one.indices { difference |= one[index] ^ other[index] }
        return difference == 0
    }
}
