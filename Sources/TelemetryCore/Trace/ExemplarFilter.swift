// SPDX-License-Identifier: Apache-2.0

/// OTEL_METRICS_EXEMPLAR_FILTER: the OpenTelemetry specification, "Metrics Exemplars". An empty value counts as unset. An
/// exemplar without a span would say nothing here that its bucket does not say, so `always_on` is as `trace_based`.
package struct ExemplarFilter {
    /// Of values that were observed while a sampled span is active.
    package let keepsExemplars: Bool
    /// A sentence for `doctor`; nil: nothing is wrong.
    package let problem: String?

    static let name = "OTEL_METRICS_EXEMPLAR_FILTER"

    package static func read(_ lookup: (String) -> String? = { Environment.value($0) }) -> ExemplarFilter {
        ExemplarFilter(lookup(name))
    }

    init(_ text: String?) {
        let given = SamplerVariables.word(text)
        keepsExemplars = given != "always_off"
        problem =
            ["", "always_off", "always_on", "trace_based"].contains(given)
            ? nil
            : Self.name + "=" + Excerpt.of(given)
                + " is not a filter that is known here; expected always_on, always_off or trace_based. trace_based is used"
    }
}
