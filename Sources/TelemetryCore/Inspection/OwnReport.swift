// SPDX-License-Identifier: Apache-2.0
import CSystem

/// H14: what is kept for receivers of the user's own.
package struct OwnReport {
    package let decision: ConsentDecision
    package private(set) var destinations: [MetricDestinationReport] = []

    package init(_ author: Options) {
        let found = OwnChoice.look(author)
        decision = found.decision
        if let options = found.options { destinations = SpoolInspector.metricDestinations(options: options) }
    }
}
