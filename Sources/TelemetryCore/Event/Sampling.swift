// SPDX-License-Identifier: Apache-2.0
import CSystem

/// C11: of some types of events only a part is recorded. The draw comes before anything is encoded. An event that was
/// drawn has `sample_rate` in its metadata, so that a receiver can count for the others.
final class Sampling {
    private struct Rule {
        let type: [UInt8]
        let rate: Double
        /// Of 64 random bits, the numbers below it are drawn.
        let threshold: UInt64
    }

    private let rules: [Rule]
    private let seed = Random.word()

    /// Nil when every event is recorded.
    init?(_ rates: [(type: String, rate: Double)]) {
        rules = rates.filter { $0.rate < 1 }.map {
            Rule(type: Array($0.type.utf8), rate: $0.rate, threshold: Self.threshold($0.rate))
        }
        if rules.isEmpty { return nil }
    }

    /// `rate` is below 1. A rate that is not above 0 counts as 0.
    private static func threshold(_ rate: Double) -> UInt64 {
        guard rate > 0, rate < 1 else { return 0 }
        return UInt64(rate * 0x1p64)
    }

    /// The rate at which events of this type are drawn, and whether this one was. Without a rule: 1, true.
    func draw(_ type: Text, now: Int64) -> (rate: Double, isDrawn: Bool) {
        for rule in rules where rule.type.count == type.length && memcmp(rule.type, type.source, type.length) == 0 {
            let word = UInt64(bitPattern: now) &* SplitMix64.golden &+ seed
            return (rule.rate, SplitMix64.mix(word) < rule.threshold)
        }
        return (1, true)
    }

    // MARK: the mark in the event

    private static let key: StaticString = "sample_rate"

    /// Tells the mark from an author's attribute of that name, which is refused.
    @inline(__always)
    static var keyPointer: UnsafePointer<CChar> { key.cString }

    /// Calls `body` with the event and its mark. An event with as many attributes as there may be loses the last.
    static func mark<T>(_ input: EventInput, rate: Double, _ body: (EventInput) -> T) -> T {
        withUnsafeTemporaryAllocation(of: telemetry_attribute.self, capacity: EventLimits.attributes) { attributes in
            var marked = input
            var mark = telemetry_attribute()
            mark.key = keyPointer
            mark.type = TELEMETRY_DOUBLE
            mark.value.number = rate
            attributes.initializeElement(at: 0, to: mark)
            let count = min(max(0, input.attributeCount), EventLimits.attributes - 1)
            for index in 0..<count {
                attributes.initializeElement(at: index + 1, to: input.attributes.unsafelyUnwrapped[index])
            }
            marked.attributes = UnsafePointer(attributes.baseAddress)
            marked.attributeCount = max(0, input.attributeCount) &+ 1
            return body(marked)
        }
    }
}

extension Options {
    /// False, with the reason in `error`, if `type` is not a valid event type or `rate` is not between 0 and 1.
    package func setSampling(type: String, rate: Double) -> Bool {
        guard type.utf8.count <= EventLimits.typeBytes,
            Array(type.utf8).withUnsafeBytes({ EventSchema.isValidType($0) })
        else {
            fail(
                "sampling: '" + Excerpt.of(type)
                    + "' is not an event type; expected 1 to 64 letters, digits, '.', '_' or '-'")
            return false
        }
        guard rate >= 0, rate <= 1 else {
            fail("sampling of " + type + ": expected a rate from 0 to 1")
            return false
        }
        settings.sampling.removeAll { $0.type == type }
        settings.sampling.append((type, rate))
        return true
    }
}
