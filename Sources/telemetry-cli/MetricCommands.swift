// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `count`, `gauge`, `observe` and `time`: they record into metrics, and never make a script fail because nothing was
/// recorded.
struct MetricCommands {
    private let invocation: Invocation
    private let collector: Collector

    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let kind = MetricNotes.Kind(invocation)
        let line: Line?
        if let source = invocation.arguments.value(.batch) {
            guard ArgumentParser.same(source, "-") else {
                throw invocation.usage("--batch reads standard input only: --batch -")
            }
            guard invocation.arguments.words.isEmpty, !invocation.arguments.has(.attribute),
                !invocation.arguments.has(.by)
            else {
                throw invocation.usage("with --batch, names, values and attributes are lines of standard input")
            }
            line = nil
        } else {
            line = try single(invocation, kind)
        }
        let collector = try RecordCommands.open(invocation, try invocation.options())
        let commands = MetricCommands(invocation: invocation, collector: collector)
        guard let line else { return try commands.batch(kind) }
        let status = commands.record(line, kind)
        let notes = MetricNotes(collector: collector, kind: kind)
        if let mistake = notes.mistake(status, line.name) {
            RecordCommands.end(collector)
            throw invocation.usage(mistake)
        }
        for note in notes.notes(status, line.name, line.attributes) + notes.contested where !invocation.isQuiet {
            invocation.complain(note)
        }
        try RecordCommands.answer(invocation, collector, status, line.name)
        commands.noteLoss()
        return .ok
    }

    /// What a line holds.
    struct Line {
        var name: String
        var value: Double
        /// The same, if it is a whole number.
        var whole: Int64?
        var attributes: RecordCommands.Attributes = []
    }

    private static func single(_ invocation: Invocation, _ kind: MetricNotes.Kind) throws(Failure) -> Line {
        let words = invocation.arguments.words
        guard let name = words.first else { throw invocation.usage("missing NAME") }
        var line = Line(name: name, value: 1, whole: 1)
        if kind == .count {
            if words.count > 1 { throw invocation.usage("unexpected argument '" + words[1] + "': give it with --by") }
            if let by = invocation.arguments.value(.by) {
                guard line.set(by) else { throw invocation.usage("--by needs a number, got '" + by + "'") }
            }
        } else {
            guard words.count > 1 else { throw invocation.usage("missing VALUE") }
            guard line.set(words[1]) else {
                throw invocation.usage("VALUE needs to be a number, got '" + words[1] + "'")
            }
        }
        line.attributes = try RecordCommands.attributes(invocation, .attribute, "--attribute")
        return line
    }

    // MARK: recording

    private func record(_ line: Line, _ kind: MetricNotes.Kind) -> telemetry_status {
        let operation: MetricOperation =
            switch kind {
            case .count: line.whole.map { .add($0) } ?? .addNumber(line.value)
            case .gauge: .set(line.value)
            case .observe: .observe(line.value)
            }
        return collector.record(line.name, operation, line.attributes)
    }

    // MARK: many at once

    /// Every line is recorded that can be. Its exit code says whether one could not.
    private func batch(_ kind: MetricNotes.Kind) throws(Failure) -> ExitCode {
        let reader = LineReader(dup(STDIN_FILENO), takesLast: true)
        var (number, wrong) = (0, 0)
        let notes = MetricNotes(collector: collector, kind: kind)
        // Each once, however many lines it concerns.
        var noted: [String] = []
        var examined = 0
        reading: while true {
            number += 1
            switch reader.next() {
            case .whole(let bytes):
                if bytes.isEmpty { continue }
                var line = Line(name: "", value: 1, whole: 1)
                if let problem = line.parse(bytes, needsValue: kind != .count) {
                    wrong += 1
                    complain(number, problem)
                    continue
                }
                let status = record(line, kind)
                if let mistake = notes.mistake(status, line.name) {
                    wrong += 1
                    complain(number, mistake)
                } else if status != TELEMETRY_OK && status != TELEMETRY_DISABLED && examined < Self.mostExamined {
                    examined += 1
                    for note in notes.notes(status, line.name, line.attributes) where !noted.contains(note) {
                        noted.append(note)
                    }
                }
            case .tooLong:
                wrong += 1
                complain(number, "is longer than 4 MiB")
            case .unfinished, .end: break reading
            case .failed(let error):
                RecordCommands.end(collector)
                throw Failure(code: .system, message: "cannot read standard input: " + ErrorText.of(error))
            }
        }
        for note in noted + notes.contested where !invocation.isQuiet { invocation.complain(note) }
        RecordCommands.end(collector)
        noteLoss()
        return wrong == 0 ? .ok : .usage
    }

    /// After the end: what was recorded has ended with this process.
    private func noteLoss() {
        if let loss = collector.loss, !invocation.isQuiet {
            invocation.complain("not kept: the file of metrics cannot be used: " + MetricsReport.text(of: loss))
        }
    }

    /// Lines that something is said about. A mistake of the input is in every line.
    private static let mostExamined = 1000

    private func complain(_ number: Int, _ problem: String) {
        if !invocation.isQuiet { invocation.complain("line \(number): " + problem) }
    }
}

extension MetricCommands.Line {
    /// False: it is not a number.
    mutating func set(_ text: String) -> Bool {
        if let number = Int64(text) {
            (whole, value) = (number, Double(number))
            return true
        }
        guard let number = PlainNumber.double(text) else { return false }
        (whole, value) = (nil, number)
        return true
    }

    /// `NAME [VALUE] [K=V]...`, with tabs between them if there is one, else with blanks. Returns what is wrong.
    mutating func parse(_ bytes: UnsafeBufferPointer<UInt8>, needsValue: Bool) -> String? {
        if bytes.contains(0) { return "holds a NUL byte" }
        let separator = bytes.contains(0x09) ? UInt8(0x09) : UInt8(0x20)
        var isFirst = true
        var hasValue = false
        for part in bytes.split(separator: separator) {
            let text = String(decoding: part, as: UTF8.self)
            if isFirst {
                name = text
                isFirst = false
            } else if !hasValue && attributes.isEmpty && !part.contains(UInt8(ascii: "=")) {
                guard set(text) else { return "needs a number behind the name, got '" + Excerpt.of(text) + "'" }
                hasValue = true
            } else {
                do throws(Property.Mistake) {
                    let property = try Property.parse(text)
                    attributes.append((property.key, property.value))
                } catch { return "attribute " + error.message + ", got '" + Excerpt.of(text) + "'" }
            }
        }
        if isFirst { return "holds no name" }
        return needsValue && !hasValue ? "needs a number behind the name" : nil
    }
}
