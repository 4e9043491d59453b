// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A tool's metrics as text. Works with any consent, and creates nothing.
package enum MetricsReport {
    package enum Format: CaseIterable {
        case prometheus, openMetrics, json, otlpJSON

        package var isExposition: Bool { self == .prometheus || self == .openMetrics }

        package var name: String {
            switch self {
            case .prometheus: "prometheus"
            case .openMetrics: "openmetrics"
            case .json: "json"
            case .otlpJSON: "otlp-json"
            }
        }
    }

    /// Of the file that the tool's processes share; without one, a text without metrics. `delivery`: an exposition also
    /// has the counts of that tool's events. Nil: no memory.
    package static func text(
        _ options: Options, _ format: Format, delivery: Options? = nil
    ) throws(SystemError) -> [UInt8]? {
        var snapshot: MetricSnapshot?
        if let shared = try SpoolDirectory.openToLook(options) {
            defer { shared.close() }
            snapshot = try MetricSnapshot.of(shared.directory, epoch: shared.control.epochNow)
        }
        guard let shown = snapshot ?? .empty else { return nil }
        switch format {
        case .prometheus, .openMetrics:
            var text = PrometheusText(format == .openMetrics ? .openMetrics : .text)
            text.write(shown, try delivery.map(DeliveryMetrics.families) ?? [])
            return text.bytes.map { Array($0) }
        case .json:
            var json = MetricsJSON()
            json.write(shown)
            return json.bytes.map { Array($0) }
        case .otlpJSON:
            return otlp(shown, options)
        }
    }

    /// The same in parts, to be put together with those of other tools: the metrics alone. Nil: no memory.
    package static func series(_ options: Options, _ format: ExpositionFormat) throws(SystemError) -> [UInt8]? {
        try text(options, format == .openMetrics ? .openMetrics : .prometheus)
    }

    /// The counts of its events, spans and deliveries alone.
    package static func counts(of options: Options, _ format: ExpositionFormat) throws(SystemError) -> [UInt8]? {
        text(try DeliveryMetrics.families(options), format)
    }

    /// The families that `counts` may have. Their samples mean nothing.
    package static var countFamilies: [FixedFamily] { DeliveryMetrics.names() }

    package static func text(_ families: [FixedFamily], _ format: ExpositionFormat) -> [UInt8]? {
        guard let none = MetricSnapshot.empty else { return nil }
        var text = PrometheusText(format)
        text.write(none, families)
        return text.bytes.map { Array($0) }
    }

    /// Why the file cannot be read or used.
    package static func text(of error: SystemError) -> String { MetricMap.text(of: error) }

    /// One request for each line.
    private static func otlp(_ snapshot: MetricSnapshot, _ options: Options) -> [UInt8]? {
        var result: [UInt8] = []
        let source = MetricSource(options)
        var next: OTLPMetrics.Position? = .start
        while let position = next {
            var message = OTLPMetrics(isJSON: true)
            next = message.write(snapshot, source, time: Clock.realtime(), from: position)
            guard let bytes = message.bytes else { return nil }
            result += bytes
            result.append(0x0A)
        }
        return result
    }

    /// For the textfile collector of node_exporter: a reader finds the old content or the new. Returns what went wrong.
    package static func writeTextfile(_ path: String, _ bytes: [UInt8]) -> String? {
        let parts = Array(path.utf8)
        let slash = parts.lastIndex(of: UInt8(ascii: "/"))
        let parent = slash.map { $0 == 0 ? "/" : String(bytes: parts[..<$0]) } ?? "."
        let name = String(bytes: parts[(slash.map { $0 + 1 } ?? 0)...])
        if name.utf8.isEmpty { return "expected the name of a file" }
        do throws(SystemError) {
            let directory = try Descriptor.open(parent, O_RDONLY | O_DIRECTORY)
            defer { directory.close() }
            // A device or a pipe must stay what it is, and a link where it leads.
            if let status = try? directory.entryStatus(name, followingLinks: false),
                status.st_mode & mode_t(S_IFMT) != mode_t(S_IFREG)
            {
                return "it is there, and is not a regular file"
            }
            try PrivateFile.replace(in: directory, name, bytes, mode: 0o644)
            return nil
        } catch { return error.text }
    }
}
