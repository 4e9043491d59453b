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
        result.unit = try unit(section)
        if let node = section.node("combine"),
            let rule = try section.choice("combine", GaugeRule.allCases.map { $0.name })
        {
            result.rule = GaugeRule.allCases[rule]
            if result.rule != .last && type != .gauge {
                throw section.failure("combine", node, "does not go with type: " + type.name + "; expected type: gauge")
            }
        }
        if let series = try section.integer("max_series", 1...Int64(MetricLimits.mostSeries)) {
            result.seriesLimit = Int(series)
        }
        if let bounds = try bounds(section, type) { result.bounds = bounds }
        result.attributes = try EventsSection.attributes(section, &patterns)
        return result
    }

    private static func unit(_ section: ManifestSection) throws(ManifestError) -> String {
        guard let node = section.node("unit") else { return "" }
        let text = try section.text("unit", expected: "a unit") ?? ""
        if MetricDeclaration.isUnit(Array(text.utf8)) { return text }
        throw section.failure(
            "unit", node, node.shown + " is not a unit; expected at most 63 printable ASCII characters without a blank")
    }

    private static func bounds(_ section: ManifestSection, _ type: MetricType) throws(ManifestError) -> [Double]? {
        guard let node = section.node("bounds") else { return nil }
        if type != .histogram {
            throw section.failure("bounds", node, "does not go with type: " + type.name + "; expected type: histogram")
        }
        let expected = "a sequence of ascending numbers"
        guard case .sequence(let items) = node.content else {
            throw section.failure("bounds", node, node.shown + " is not a sequence; expected " + expected)
        }
        if items.count > MetricLimits.bounds {
            throw section.failure("bounds", node, items.count.description + " bounds; expected at most 256")
        }
        var result: [Double] = []
        for item in items {
            guard let scalar = item.scalar, scalar.isPlain, YAMLNumber.isDecimal(scalar.text),
                let number = YAMLNumber.double(scalar.text)
            else { throw section.failure("bounds", item, item.shown + " is not a number; expected " + expected) }
            if let last = result.last, number <= last {
                throw section.failure(
                    "bounds", item, item.shown + " is not above the bound before it; expected " + expected)
            }
            result.append(number)
        }
        return result
    }
}
