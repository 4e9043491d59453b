// SPDX-License-Identifier: Apache-2.0
import CSystem

/// `metrics`: the metrics that the tool may record, and no others (H1).
enum MetricsSection {
    @inline(never)
    static func read(_ top: ManifestSection, _ manifest: Manifest) throws(ManifestError) {
        guard let node = top.node("metrics") else { return }
        var patterns = 0
        manifest.options.settings.metrics = []
        manifest.options.settings.areMetricsDeclared = true
        for entry in try ManifestSection.entries(of: node, file: top.file, path: "metrics") {
            let path = "metrics." + Excerpt.of(entry.key)
            let declaration = try metric(entry, file: top.file, path: path, &patterns)
            if let problem = manifest.options.problem(adding: declaration) {
                throw ManifestError(file: top.file, entry.position, key: path, problem)
            }
            manifest.options.settings.metrics.append(declaration)
        }
    }

    private static func metric(
        _ entry: YAMLEntry, file: String, path: String, _ patterns: inout Int
    ) throws(ManifestError) -> MetricDeclaration {
        let section = try ManifestSection(
            entry.value, file: file, path: path,
            keys: ["type", "description", "unit", "bounds", "combine", "max_series", "attributes"])
        let types = MetricType.allCases
        _ = try section.required("type", expected: "counter, gauge, histogram or another type of metric")
        let type = types[try section.choice("type", types.map { $0.name }) ?? 0]
        var result = MetricDeclaration(name: entry.key, type: type)
        result.description = try EventsSection.description(section)
        result.unit = try section.text("unit", expected: "a unit") ?? ""
        if let rule = try section.choice("combine", GaugeRule.allCases.map { $0.name }) {
            result.rule = GaugeRule.allCases[rule]
        }
        if let series = try section.integer("max_series", 1...Int64(MetricLimits.mostSeries)) {
            result.seriesLimit = Int(series)
        }
        if let bounds = try bounds(section) { result.bounds = bounds }
        result.attributes = try EventsSection.attributes(section, &patterns)
        return result
    }

    private static func bounds(_ section: ManifestSection) throws(ManifestError) -> [Double]? {
        guard let node = section.node("bounds") else { return nil }
        let expected = "a sequence of ascending numbers"
        guard case .sequence(let items) = node.content else {
            throw section.failure("bounds", node, node.shown + " is not a sequence; expected " + expected)
        }
        var result: [Double] = []
        for item in items {
            guard let scalar = item.scalar, scalar.isPlain, YAMLNumber.isDecimal(scalar.text),
                let number = YAMLNumber.double(scalar.text)
            else { throw section.failure("bounds", item, item.shown + " is not a number; expected " + expected) }
            result.append(number)
        }
        return result
    }
}
