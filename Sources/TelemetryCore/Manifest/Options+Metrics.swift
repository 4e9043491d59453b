// SPDX-License-Identifier: Apache-2.0
import CSystem

extension Options {
    /// A metric as the C interface declares it. The reason for TELEMETRY_ERROR_ARGUMENT is in `error`. What the manifest
    /// lists is what its user can see, so code adds nothing to it.
    package func addMetric(_ given: telemetry_metric_declaration) -> telemetry_status {
        guard let name = given.name else {
            fail("metric: no name; expected one")
            return TELEMETRY_ERROR_ARGUMENT
        }
        guard let type = MetricType(rawValue: UInt8(clamping: given.type.rawValue)) else {
            fail(
                "metric " + Excerpt.of(String(cString: name)) + ": no such type; expected TELEMETRY_COUNTER or another")
            return TELEMETRY_ERROR_ARGUMENT
        }
        var declaration = MetricDeclaration(name: String(cString: name), type: type)
        if let unit = given.unit { declaration.unit = String(cString: unit) }
        if let description = given.description { declaration.description = String(cString: description) }
        guard let rule = GaugeRule(rawValue: UInt8(clamping: given.rule.rawValue)) else {
            fail("metric " + Excerpt.of(declaration.name) + ": no such rule; expected TELEMETRY_GAUGE_LAST or another")
            return TELEMETRY_ERROR_ARGUMENT
        }
        declaration.rule = rule
        if let bounds = given.bounds {
            declaration.bounds = Array(
                UnsafeBufferPointer(start: bounds, count: min(given.bound_count, MetricLimits.bounds + 1)))
        }
        if given.series_limit != 0 { declaration.seriesLimit = Int(given.series_limit) }
        if areMetricsDeclared && declaration.problem == nil {
            return isDeclared(name: declaration.name) ? TELEMETRY_OK : TELEMETRY_ERROR_UNDECLARED
        }
        return addMetric(declaration) ? TELEMETRY_OK : TELEMETRY_ERROR_ARGUMENT
    }
}
