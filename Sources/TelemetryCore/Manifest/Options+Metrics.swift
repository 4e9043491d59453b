// SPDX-License-Identifier: Apache-2.0
import CSystem

extension Options {
    /// A metric as the C interface declares it. False, with the reason in `error`.
    package func addMetric(_ given: telemetry_metric_declaration) -> Bool {
        guard let name = given.name else {
            fail("metric: no name; expected one")
            return false
        }
        guard let type = MetricType(rawValue: UInt8(clamping: given.type.rawValue)) else {
            fail(
                "metric " + Excerpt.of(String(cString: name)) + ": no such type; expected TELEMETRY_COUNTER or another")
            return false
        }
        var declaration = MetricDeclaration(name: String(cString: name), type: type)
        if let unit = given.unit { declaration.unit = String(cString: unit) }
        if let description = given.description { declaration.description = String(cString: description) }
        declaration.rule = GaugeRule(rawValue: UInt8(clamping: given.rule.rawValue)) ?? .last
        if let bounds = given.bounds {
            declaration.bounds = Array(
                UnsafeBufferPointer(start: bounds, count: min(given.bound_count, MetricLimits.bounds + 1)))
        }
        if given.series_limit != 0 { declaration.seriesLimit = Int(given.series_limit) }
        return addMetric(declaration)
    }
}
