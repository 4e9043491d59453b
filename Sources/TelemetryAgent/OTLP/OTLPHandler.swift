// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The bodies that have come and are not answered yet, of all clients: their room is bounded.
final class BodyRoom {
    private(set) var used = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func take(_ bytes: Int) -> Bool {
        if bytes > limit &- used { return false }
        used &+= bytes
        return true
    }

    func giveBack(_ bytes: Int) { used &-= bytes }
}

/// `POST /v1/logs`, `/v1/traces`, `/v1/metrics`: gathers the body, and has it recorded when all of it is there.
final class OTLPHandler: RequestHandler {
    private let receiver: OTLPReceiver
    private let signal: OTLPSignal
    private let room: BodyRoom
    private let contentType: String
    private let isJSON: Bool
    private let isOfLibrary: Bool
    private let contentEncoding: String
    private let body = BodyBytes()

    /// Longest body as it comes, before it is unpacked.
    static let bodyLimit = 16 << 20
    /// Of all clients together. One that finds no room is told to come again.
    static let roomBytes = 32 << 20

    init(_ request: HTTPRequest, _ receiver: OTLPReceiver, _ signal: OTLPSignal, _ room: BodyRoom) {
        self.receiver = receiver
        self.signal = signal
        self.room = room
        contentType = String(bytes: request.value("content-type") ?? [])
        isJSON = OTLPAnswer.json.isSame(request.contentType)
        contentEncoding = String(bytes: request.value("content-encoding") ?? [])
        isOfLibrary = request.value("user-agent")?.starts(with: "libtelemetry/".utf8) ?? false
    }

    deinit { room.giveBack(body.count) }

    func take(_ bytes: UnsafeRawBufferPointer) -> HTTPAnswer? {
        guard room.take(bytes.count) else { return Self.answer(.later(isJSON: isJSON)) }
        if body.append(bytes) { return nil }
        // Of this part nothing is there.
        room.giveBack(bytes.count)
        return withoutMemory()
    }

    func withoutMemory() -> HTTPAnswer {
        Self.answer(.later(isJSON: isJSON, OTLPReceiver.noMemory))
    }

    func finish() -> HTTPAnswer {
        if isOfLibrary { return Self.answer(.circle(isJSON: isJSON)) }
        return withExtendedLifetime(body) {
            Self.answer(
                receiver.receive(
                    signal, contentType: contentType, contentEncoding: contentEncoding, body: body.bytes))
        }
    }

    func refuseLength() -> HTTPAnswer { Self.answer(.tooLong(isJSON: isJSON)) }

    private static func answer(_ answer: OTLPAnswer) -> HTTPAnswer {
        var made = HTTPAnswer(answer.status, answer.contentType, body: answer.bytes)
        if let seconds = answer.retryAfter { made.fields.append("Retry-After: " + seconds.description) }
        if let coding = answer.acceptEncoding { made.fields.append("Accept-Encoding: " + coding) }
        return made
    }
}
