// SPDX-License-Identifier: Apache-2.0
import CSystem

/// H14: what is kept for receivers of the user's own.
package struct OwnReport {
    package let decision: ConsentDecision
    package var destinations: [(name: String, info: String)] = []

    package init(_ author: Options) {
        let options = author.own([])
        decision = ConsentResolver.decide(options)
        guard decision.isEnabled, let chosen = OwnChoice.options(author) else { return }
        for destination in chosen.destinations where destination.choice.kind != BackendChoice.noop.kind {
            let backend = makeBackend(
                destination.choice, toolName: chosen.toolName, stateDirectory: SpoolInspector.path(options: chosen))
            destinations.append((destination.name, backend.info))
            backend.close()
        }
    }
}
