// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Takes the bodies of OTLP/HTTP requests, and records what they hold as the tool that sends them would have recorded it
/// through the C interface. It answers when that is in the tool's spool. For one thread.
package final class OTLPReceiver {
    private let tools: ToolCollectors
    package private(set) var counts = OTLPCounts()

    static let noMemory = "the agent has no memory now"

    package init(_ tools: ToolCollectors) { self.tools = tools }

    /// `contentType`, `contentEncoding`: the values of these header fields; empty: the field is missing.
    package func receive(
        _ signal: OTLPSignal, contentType: String, contentEncoding: String, body: UnsafeRawBufferPointer
    ) -> OTLPAnswer {
        guard let isJSON = Self.isJSON(contentType) else { return counted(.wrongType) }
        guard let isPacked = Self.isGzip(contentEncoding) else { return counted(.wrongEncoding) }
        guard body.count <= OTLPLimits.bodyBytes else { return counted(.tooLarge(isJSON: isJSON)) }
        if !isPacked { return counted(take(signal, isJSON: isJSON, body)) }
        switch UnpackedBody.gunzip(body, limit: OTLPLimits.bodyBytes) {
        case .body(let unpacked):
            return counted(withExtendedLifetime(unpacked) { take(signal, isJSON: isJSON, unpacked.bytes) })
        case .notGzip: return counted(.malformed(isJSON: isJSON, "the body is not gzip, or its end is missing"))
        case .tooLarge: return counted(.tooLarge(isJSON: isJSON))
        case .impossible: return counted(.later(isJSON: isJSON, "the body cannot be unpacked now"))
        }
    }

    // MARK: what the header fields say

    /// RFC 9110, section 8.3: parameters do not matter here, and case does not either. Nil: it is neither.
    private static func isJSON(_ contentType: String) -> Bool? {
        let type = word(contentType)
        if OTLPAnswer.protobuf.isSame(type) { return false }
        return OTLPAnswer.json.isSame(type) ? true : nil
    }

    /// Nil: it is something else.
    private static func isGzip(_ contentEncoding: String) -> Bool? {
        let coding = word(contentEncoding)
        if coding.isEmpty || coding == Array("identity".utf8) { return false }
        return coding == Array("gzip".utf8) || coding == Array("x-gzip".utf8) ? true : nil
    }

    /// Up to a `;`, without blanks around it, in lower case.
    private static func word(_ field: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for byte in field.utf8 {
            if byte == UInt8(ascii: ";") { break }
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            bytes.append(isUpper ? byte | 0x20 : byte)
        }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        return bytes
    }

    // MARK: the body

    private func take(_ signal: OTLPSignal, isJSON: Bool, _ body: UnsafeRawBufferPointer) -> OTLPAnswer {
        let arena = TextArena()
        guard arena.prepare(), Allocation.isAvailableForPass else { return .later(isJSON: isJSON, Self.noMemory) }
        // All of it is looked at first: a body that cannot be read leaves nothing behind.
        if let failure = Self.check(signal, isJSON: isJSON, body, arena) {
            return .malformed(isJSON: isJSON, failure.text)
        }
        arena.cut()
        let mark = tools.mark
        let tally = IntakeTally()
        let gathering = AttributeGathering(arena)
        if isJSON {
            var source = JSONSource(body, arena)
            read(signal, &source, gathering, tally)
        } else {
            var source = ProtobufSource(body)
            source.checksTexts = false
            read(signal, &source, gathering, tally)
        }
        tools.save(mark)
        if tally.accepted > 0 { tools.note(signal, since: mark) }
        if tally.accepted > 0, !tools.settle(signal, since: mark) { tally.sendAgain() }
        if !tally.isForLater { counts.received[signal.rawValue].add(tally) }
        if tally.isForLater { return .later(isJSON: isJSON, "the tool's records cannot be stored now") }
        return OTLPAnswer(isJSON: isJSON, signal, rejected: tally.rejected, message: tally.message)
    }

    static func check(_ signal: OTLPSignal, isJSON: Bool, _ body: UnsafeRawBufferPointer, _ arena: TextArena)
        -> OTLPFailure?
    {
        guard isJSON else {
            var source = ProtobufSource(body)
            check(signal, &source)
            return source.failure
        }
        guard JSONSource.isUTF8(body) else { return .notUTF8 }
        var source = JSONSource(body, arena)
        check(signal, &source)
        if let failure = source.failure { return failure }
        return source.isAtEnd() ? nil : .malformed
    }

    private static func check<Source: OTLPSource>(_ signal: OTLPSignal, _ source: inout Source) {
        switch signal {
        case .logs: LogsReader.check(&source)
        case .traces: SpansReader.check(&source)
        case .metrics: MetricsReader.check(&source)
        }
    }

    private func read<Source: OTLPSource>(
        _ signal: OTLPSignal, _ source: inout Source, _ gathering: AttributeGathering, _ tally: IntakeTally
    ) {
        switch signal {
        case .logs: LogsReader.read(&source, gathering, LogsIntake(tools, tally))
        case .traces: SpansReader.read(&source, gathering, SpansIntake(tools, tally))
        case .metrics: MetricsReader.read(&source, gathering, MetricsIntake(tools, tally))
        }
    }

    private func counted(_ answer: OTLPAnswer) -> OTLPAnswer {
        counts.answered(answer.status)
        return answer
    }
}

/// What the receiver has done since it began.
package struct OTLPCounts {
    /// Records, spans and data points, by signal.
    package let received = OTLPSignal.allCases.map { _ in IntakeCounts() }
    /// Requests, by the status of their answer: 200, 400, 413, 415, 503.
    package private(set) var answers: [(status: Int, count: UInt64)] = [200, 400, 413, 415, 503].map { ($0, 0) }

    mutating func answered(_ status: Int) {
        for index in answers.indices where answers[index].status == status { answers[index].count &+= 1 }
    }
}
