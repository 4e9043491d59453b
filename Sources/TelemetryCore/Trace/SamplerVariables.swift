// SPDX-License-Identifier: Apache-2.0

/// OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG (H11, H15): the OpenTelemetry specification, "Environment Variable
/// Specification". An empty value counts as unset. A value that is not understood is ignored, and `problem` says so:
/// the sampler is then `parentbased_always_on`, the ratio 1.
package struct SamplerVariables {
    package let sampler: TraceSampler
    /// False: nobody has set one.
    package private(set) var isSet = true
    /// A sentence for `doctor`; nil: nothing is wrong.
    package let problem: String?

    static let name = "OTEL_TRACES_SAMPLER"
    static let argument = "OTEL_TRACES_SAMPLER_ARG"

    package static func read(_ lookup: (String) -> String? = { Environment.value($0) }) -> SamplerVariables {
        SamplerVariables(name: lookup(name), argument: lookup(argument))
    }

    init(name: String?, argument: String?) {
        let given = Self.word(name)
        switch given {
        case "":
            self.init(.always, isParentBased: true)
            isSet = false
        case "parentbased_always_on": self.init(.always, isParentBased: true)
        case "parentbased_always_off": self.init(.never, isParentBased: true)
        case "always_on": self.init(.always, isParentBased: false)
        case "always_off": self.init(.never, isParentBased: false)
        case "traceidratio": self.init(ratio: Self.word(argument), isParentBased: false)
        case "parentbased_traceidratio": self.init(ratio: Self.word(argument), isParentBased: true)
        default:
            let problem =
                Self.name + "=" + Excerpt.of(given)
                + " is not a sampler that is known here; expected always_on, always_off, traceidratio,"
                + " or one of them behind parentbased_. parentbased_always_on is used"
            self.init(.always, isParentBased: true, problem)
        }
    }

    private init(_ rule: TraceSampler.Rule, isParentBased: Bool, _ problem: String? = nil) {
        sampler = TraceSampler(rule: rule, isParentBased: isParentBased)
        self.problem = problem
    }

    private init(ratio text: String, isParentBased: Bool) {
        if text.utf8.isEmpty {
            self.init(.always, isParentBased: isParentBased)
        } else if YAMLNumber.isDecimal(text), let ratio = YAMLNumber.double(text), ratio >= 0, ratio <= 1 {
            self.init(TraceSampler.Rule(ratio: ratio), isParentBased: isParentBased)
        } else {
            let problem =
                Self.argument + "=" + Excerpt.of(text)
                + " is not a ratio; expected a number from 0 to 1. The ratio 1 is used"
            self.init(.always, isParentBased: isParentBased, problem)
        }
    }

    /// Without white space around it, in lower case: names are the same in any case.
    static func word(_ text: String?) -> String {
        let bytes = Array((text ?? "").utf8)
        return bytes.withUnsafeBytes { String(bytes: OptionalSpace.trim($0).map { Authority.lowercase($0) }) }
    }
}
