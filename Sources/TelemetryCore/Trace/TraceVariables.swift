// SPDX-License-Identifier: Apache-2.0

/// What is wrong with the variables by which a trace is sampled, named in metrics, and handed on, for `doctor`. Recording ignores what it
/// does not understand, and says nothing. A value is quoted only where it cannot be a secret.
package enum TraceVariables {
    /// A sentence for each variable: what was found, what was expected, and what happens instead.
    package static func problems(_ lookup: (String) -> String? = { Environment.value($0) }) -> [String] {
        let given = { (name: String) in lookup(name).flatMap { $0.utf8.isEmpty ? nil : $0 } }
        return [
            SamplerVariables.read(given).problem, unread(given), ExemplarFilter.read(given).problem, parent(given),
            state(given),
            baggage(given),
        ].compactMap { $0 }
    }

    /// What they say, although nothing is wrong: that no trace is recorded. Nil: they do not.
    package static func silence(_ lookup: (String) -> String? = { Environment.value($0) }) -> String? {
        let sampler = SamplerVariables.read(lookup)
        if sampler.sampler.isParentBased, let text = lookup(parentName), let parent = TraceContext(text: text) {
            return parent.isSampled ? nil : parentName + " says that its trace is not recorded"
        }
        return sampler.sampler.isNever ? SamplerVariables.name + " says that no new trace is recorded" : nil
    }

    private typealias Lookup = (String) -> String?

    private static func unread(_ given: Lookup) -> String? {
        guard given(SamplerVariables.argument) != nil, given(SamplerVariables.name) == nil else { return nil }
        return SamplerVariables.argument + " is set, and " + SamplerVariables.name
            + " is not; expected traceidratio or parentbased_traceidratio there. It is not read"
    }

    private static let parentName = EnvironmentCarrier.variable(PropagatedContext.Field.parent)
    private static let stateName = EnvironmentCarrier.variable(PropagatedContext.Field.state)
    private static let baggageName = EnvironmentCarrier.variable(PropagatedContext.Field.baggage)

    private static func parent(_ given: Lookup) -> String? {
        guard let value = given(parentName), TraceContext(text: value) == nil else { return nil }
        return parentName + "=" + Excerpt.of(value)
            + " is not a traceparent; expected 00-, the ids of the trace and the span in 32 and 16 lower-case hexadecimal"
            + " digits, and flags, with - between them. A new trace begins"
    }

    private static func state(_ given: Lookup) -> String? {
        guard var value = given(stateName) else { return nil }
        guard let parent = given(parentName), TraceContext(text: parent) != nil else {
            return stateName + " is set without a " + parentName + " that can be read. It is left out"
        }
        return value.withUTF8 { bytes in
            var state = TraceState()
            state.add(UnsafeRawBufferPointer(bytes))
            if !state.isValid {
                return stateName + " is not a tracestate; expected key=value,key=value, at most "
                    + TraceState.memberLimit.description + ". It is left out"
            }
            if state.isWhole { return nil }
            return stateName + " is too long; expected at most " + TraceState.limit.description
                + " bytes. Some of its members are left out"
        }
    }

    private static func baggage(_ given: Lookup) -> String? {
        guard var value = given(baggageName) else { return nil }
        let (kept, found) = value.withUTF8 { bytes in
            var baggage = Baggage()
            baggage.add(UnsafeRawBufferPointer(bytes))
            return (baggage.members.count, BaggageMember.count(UnsafeRawBufferPointer(bytes)))
        }
        if kept == found { return nil }
        return baggageName + ": " + (found - kept).description + " of its " + found.description
            + " members cannot be handed on; expected key=value,key=value, at most " + Baggage.memberLimit.description
            + " and " + Baggage.limit.description + " bytes. They are left out"
    }
}
