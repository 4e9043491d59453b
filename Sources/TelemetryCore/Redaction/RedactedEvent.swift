// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What was replaced in one event: copies of its texts, which live as long as this does.
struct RedactedEvent {
    private let redactor: Redactor
    private let copies = CopiedStrings()
    private(set) var hasReplaced = false

    init(_ redactor: Redactor) { self.redactor = redactor }

    /// The copy to record in place of `original`. Nil only without memory: a possible secret is left out rather than
    /// recorded.
    private mutating func keep(_ redacted: [UInt8]?, _ original: UnsafePointer<CChar>) -> UnsafePointer<CChar>? {
        guard let redacted else { return original }
        hasReplaced = true
        return copies.add(redacted)
    }

    mutating func error(_ text: UnsafePointer<CChar>) -> UnsafePointer<CChar>? {
        keep(redactor.redact(text, bound: Redactor.textBound, keeping: EventLimits.errorBytes), text)
    }

    /// At most as many as an event may hold.
    mutating func arguments(_ given: UnsafePointer<UnsafePointer<CChar>?>, _ count: Int) -> [UnsafePointer<CChar>?] {
        var result: [UnsafePointer<CChar>?] = []
        for index in 0..<max(0, min(count, EventLimits.arguments)) {
            guard let argument = given[index] else {
                result.append(nil)
                continue
            }
            result.append(keep(redactor.redactArgument(given, index, keeping: EventLimits.argumentBytes), argument))
        }
        return result
    }

    /// Only attributes with a bit in `suspects` are looked at.
    mutating func attributes(_ given: UnsafePointer<telemetry_attribute>, _ count: Int, suspects: UInt64)
        -> [telemetry_attribute]
    {
        var result = Array(UnsafeBufferPointer(start: given, count: max(0, min(count, EventLimits.attributes))))
        for index in 0..<result.count where suspects & (1 << UInt64(truncatingIfNeeded: index)) != 0 {
            guard result[index].type == TELEMETRY_STRING, let key = result[index].key,
                let value = result[index].value.string
            else { continue }
            result[index].value.string = keep(redactor.redactValue(key: key, value), value)
        }
        return result
    }
}
