// SPDX-License-Identifier: Apache-2.0

/// A family that is not in the tool's store: its name and labels are known when this is compiled, and its values are
/// looked up when the text is written.
package struct FixedFamily {
    /// A counter's ends with `_total`.
    let name: StaticString
    package let type: MetricType
    /// The word that `name` ends with; empty: none.
    let unit: StaticString
    let help: StaticString
    private(set) var samples: [Sample] = []
    /// When a counter began, nanoseconds since 1970; 0: not known.
    let created: Int64

    package struct Label {
        let name: StaticString
        let value: String

        package init(_ name: StaticString, _ value: String) { (self.name, self.value) = (name, value) }
    }

    /// OpenMetrics' name of the family: a counter's without `_total`.
    package var base: UnsafeRawBufferPointer {
        let whole = name.rawBytes
        return type == .counter ? UnsafeRawBufferPointer(rebasing: whole.dropLast(Self.suffix)) : whole
    }

    private static var suffix: Int { 6 }

    struct Sample {
        let labels: [Label]
        let value: Double
    }

    package init(
        _ name: StaticString, _ type: MetricType, unit: StaticString = "", help: StaticString, created: Int64 = 0
    ) {
        (self.name, self.type, self.unit, self.help, self.created) = (name, type, unit, help, created)
    }

    package mutating func add(_ value: Double, _ labels: [Label] = []) {
        samples.append(Sample(labels: labels, value: value))
    }
}

extension PrometheusText {
    /// Nothing is written of a family without samples, nor of one whose name the tool has taken.
    mutating func write(_ family: FixedFamily) {
        guard !family.samples.isEmpty else { return }
        guard taken.take(Array(family.base), family.type) else { return countOmittedFamily() }
        writeMetadata(family)
        for sample in family.samples {
            buffer.append(family.name)
            writeLabels(sample)
            writeValue { GoFloat.write(sample.value, to: $0) }
            guard family.type == .counter, hasCreated, family.created > 0 else { continue }
            buffer.append(family.base)
            buffer.append("_created")
            writeLabels(sample)
            writeValue { Self.writeTime(family.created, to: $0) }
        }
    }

    private mutating func writeMetadata(_ family: FixedFamily) {
        let isOpenMetrics = format == .openMetrics
        let title = isOpenMetrics ? family.base : family.name.rawBytes
        if !isOpenMetrics { writeComment("# HELP ", title, family.help) }
        writeComment("# TYPE ", title, family.type == .counter ? "counter" : "gauge")
        guard isOpenMetrics else { return }
        if family.unit.utf8CodeUnitCount > 0 { writeComment("# UNIT ", title, family.unit) }
        writeComment("# HELP ", title, family.help)
    }

    private mutating func writeComment(_ start: StaticString, _ title: UnsafeRawBufferPointer, _ text: StaticString) {
        buffer.append(start)
        buffer.append(title)
        buffer.append(" ")
        buffer.append(text)
        buffer.append("\n")
    }

    private mutating func writeLabels(_ sample: FixedFamily.Sample) {
        for (index, label) in sample.labels.enumerated() {
            buffer.append(index == 0 ? "{" : ",")
            buffer.append(label.name)
            buffer.append("=\"")
            var value = label.value
            value.withUTF8 { text in
                let room = text.count &* ExpositionString.maxExpansion &+ ExpositionString.slack
                guard let to = buffer.reserve(room) else { return }
                buffer.commit(upTo: ExpositionString.write(UnsafeRawBufferPointer(text), to: to))
            }
            buffer.append("\"")
        }
        buffer.append(sample.labels.isEmpty ? " " : "} ")
    }

    private mutating func writeValue(_ write: (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>) {
        guard let to = buffer.reserve(GoFloat.maxLength &+ 1) else { return }
        let end = write(to)
        end[0] = UInt8(ascii: "\n")
        buffer.commit(upTo: end + 1)
    }
}
