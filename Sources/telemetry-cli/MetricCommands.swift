// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `count`, `gauge`, `observe` and `time`: they record into metrics, and never make a script fail because nothing was
/// recorded.
struct MetricCommands {
    private let invocation: Invocation
    private let collector: Collector

    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let kind = Kind(invocation)
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
        if let problem = commands.problem(status, line, kind) {
            RecordCommands.end(collector)
            throw invocation.usage(problem)
        }
        try RecordCommands.answer(invocation, collector, status, line.name)
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

    enum Kind {
        case count, gauge, observe

        init(_ invocation: Invocation) {
            switch invocation.arguments.command?.id {
            case .gauge: self = .gauge
            case .observe: self = .observe
            default: self = .count
            }
        }
    }

    private static func single(_ invocation: Invocation, _ kind: Kind) throws(Failure) -> Line {
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

    private func record(_ line: Line, _ kind: Kind) -> telemetry_status {
        let operation: MetricOperation =
            switch kind {
            case .count: line.whole.map { .add($0) } ?? .addNumber(line.value)
            case .gauge: .set(line.value)
            case .observe: .observe(line.value)
            }
        return collector.record(line.name, operation, line.attributes)
    }

    /// What is wrong with a line that was refused; nil: nothing that its author could correct.
    private func problem(_ status: telemetry_status, _ line: Line, _ kind: Kind) -> String? {
        switch status {
        case TELEMETRY_ERROR_ARGUMENT:
            switch kind {
            case .count:
                return "'" + line.name + "' takes no such value: it is below 0, or the sum would be too large"
            case .gauge: return "'" + line.name + "' is no gauge"
            case .observe: return "'" + line.name + "' is no histogram"
            }
        case TELEMETRY_ERROR_UNDECLARED where !collector.options.areMetricsDeclared:
            if MetricDeclaration(name: line.name, type: .counter).problem == nil {
                return "'" + line.name + "' is a metric of another type, for another command"
            }
            return "'" + line.name
                + "' is no name of a metric; expected a letter, then letters, digits, '_', '.', '-' or '/'"
        default: return nil
        }
    }

    // MARK: many at once

    /// Every line is recorded that can be. Its exit code says whether one could not.
    private func batch(_ kind: Kind) throws(Failure) -> ExitCode {
        let reader = LineReader(dup(STDIN_FILENO), takesLast: true)
        var (number, wrong) = (0, 0)
        var undeclared: [String] = []
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
                if let problem = problem(status, line, kind) {
                    wrong += 1
                    complain(number, problem)
                } else if status == TELEMETRY_ERROR_UNDECLARED, !undeclared.contains(line.name) {
                    undeclared.append(line.name)
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
        for name in undeclared where !invocation.isQuiet {
            invocation.complain("not recorded: the manifest does not declare the metric '" + name + "'")
        }
        RecordCommands.end(collector)
        return wrong == 0 ? .ok : .usage
    }

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
        guard let number = FiniteNumber.parse(text) else { return false }
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
                guard set(text) else { return "needs a number behind the name, got '" + text + "'" }
                hasValue = true
            } else {
                do throws(Property.Mistake) {
                    let property = try Property.parse(text)
                    attributes.append((property.key, property.value))
                } catch { return "attribute " + error.message + ", got '" + text + "'" }
            }
        }
        if isFirst { return "holds no name" }
        return needsValue && !hasValue ? "needs a number behind the name" : nil
    }
}
