// SPDX-License-Identifier: Apache-2.0
import CSystem

/// H14: what is kept for receivers of the user's own.
package struct OwnReport {
    package let decision: ConsentDecision
    package private(set) var destinations: [MetricDestinationReport] = []

    package init(_ author: Options) {
        let options = author.own([])
        decision = ConsentResolver.decide(options)
        guard decision.isEnabled, let chosen = OwnChoice.options(author) else { return }
        destinations = SpoolInspector.metricDestinations(options: chosen)
    }
}
