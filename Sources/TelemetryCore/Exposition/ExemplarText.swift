// SPDX-License-Identifier: Apache-2.0

/// The exemplars of one series in OpenMetrics: at the line of the bucket that the value is in, one at most. Their labels
/// have 63 characters of the 128 that there may be.
struct ExemplarText {
    private var rest: [Exemplar]

    init(_ exemplars: [Exemplar]) { rest = exemplars }

    /// Writes the latest one with a value up to the bound of the line that was written last. The lines come from the
    /// lowest bound to the highest.
    @inline(__always)
    mutating func write(upTo bound: Double, to buffer: inout ByteBuffer) {
        if !rest.isEmpty { writeLatest(upTo: bound, to: &buffer) }
    }

    @inline(never)
    private mutating func writeLatest(upTo bound: Double, to buffer: inout ByteBuffer) {
        var latest: Exemplar?
        rest.removeAll { each in
            guard each.value <= bound else { return false }
            if each.time >= latest?.time ?? .min { latest = each }
            return true
        }
        guard let latest else { return }
        // In place of the end of the line.
        buffer.truncate(to: buffer.count &- 1)
        buffer.append(" # {trace_id=\"")
        guard let trace = buffer.reserve(32) else { return }
        latest.traceID.write(to: trace)
        buffer.commit(upTo: trace + 32)
        buffer.append("\",span_id=\"")
        guard let span = buffer.reserve(16) else { return }
        Hexadecimal.write(latest.spanID, to: span)
        buffer.commit(upTo: span + 16)
        buffer.append("\"} ")
        guard let to = buffer.reserve(GoFloat.maxLength &+ Decimal.maxDigits &+ 8) else { return }
        let time = GoFloat.write(latest.value, to: to)
        time[0] = UInt8(ascii: " ")
        let end = PrometheusText.writeTime(latest.time, to: time + 1)
        end[0] = UInt8(ascii: "\n")
        buffer.commit(upTo: end + 1)
    }
}
