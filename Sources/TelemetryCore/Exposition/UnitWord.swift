// SPDX-License-Identifier: Apache-2.0

/// The words for units that names of Prometheus end with: OpenTelemetry's compatibility specification, "Metric Metadata".
enum UnitWord {
    private static let words: StaticString =
        "d=days h=hours min=minutes s=seconds ms=milliseconds us=microseconds ns=nanoseconds wk=weeks mo=months a=years By=bytes KiBy=kibibytes MiBy=mebibytes GiBy=gibibytes TiBy=tebibytes kBy=kilobytes KBy=kilobytes MBy=megabytes GBy=gigabytes TBy=terabytes bit=bits m=meters V=volts A=amperes J=joules W=watts g=grams kg=kilograms Cel=celsius K=kelvins Hz=hertz Pa=pascals %=percent "

    /// Empty: the unit has none.
    static func of(_ unit: UnsafeRawBufferPointer, _ type: MetricType) -> [UInt8] {
        let bytes = withoutAnnotations(unit)
        if bytes.count == 1 && bytes[0] == UInt8(ascii: "1") {
            return type == .gauge && unit.count == 1 ? Array("ratio".utf8) : []
        }
        let slash = bytes.firstIndex(of: UInt8(ascii: "/")) ?? bytes.count
        var words = PrometheusName.Text(allowsColon: false)
        words.append(plural(bytes[..<slash]))
        if slash < bytes.count {
            let divisor = singular(bytes[(slash + 1)...])
            if !divisor.isEmpty {
                words.append("per")
                words.append(divisor)
            }
        }
        return words.bytes
    }

    /// What is in braces only describes the unit.
    private static func withoutAnnotations(_ unit: UnsafeRawBufferPointer) -> [UInt8] {
        var result: [UInt8] = []
        var depth = 0
        for byte in unit {
            if byte == UInt8(ascii: "{") { depth &+= 1 }
            if depth == 0 { result.append(byte) }
            if byte == UInt8(ascii: "}") { depth = max(0, depth &- 1) }
        }
        return result
    }

    private static func plural(_ code: ArraySlice<UInt8>) -> [UInt8] {
        if code.count == 1 && code.first == UInt8(ascii: "1") { return [] }
        return word(code) ?? Array(code)
    }

    private static func singular(_ code: ArraySlice<UInt8>) -> [UInt8] {
        guard var word = word(code) else { return Array(code) }
        if word.last == UInt8(ascii: "s") && code.first != UInt8(ascii: "C") { word.removeLast() }
        return word
    }

    private static func word(_ code: ArraySlice<UInt8>) -> [UInt8]? {
        let table = UnsafeBufferPointer(start: words.utf8Start, count: words.utf8CodeUnitCount)
        var at = 0
        while at < table.count {
            var equals = at
            while table[equals] != UInt8(ascii: "=") { equals &+= 1 }
            var end = equals
            while table[end] != UInt8(ascii: " ") { end &+= 1 }
            if table[at..<equals].elementsEqual(code) { return Array(table[(equals &+ 1)..<end]) }
            at = end &+ 1
        }
        return nil
    }
}
