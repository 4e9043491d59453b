// SPDX-License-Identifier: Apache-2.0

/// One destination at work: its backend, and the results of this pass so far.
final class Outlet {
    enum PassState {
        /// It takes events.
        case open
        /// It is not time for another attempt yet.
        case waiting
        case failed
    }

    let name: String
    let backend: any Backend
    /// Nil: the only destination of the tool.
    var slot: DestinationSlot?
    var pass = PassState.open
    /// It failed before this pass, and has not succeeded since.
    var isDoubtful = false
    /// Events were delivered in this pass.
    var hasDelivered = false
    /// The last reason why events were rejected for good in this pass; empty: no event was.
    var rejection = ""
    /// The host that took them, if a redirect led there.
    var taker = ""
    /// The delivery state if there is no spool.
    var heapState = DeliveryState()

    var isAnswered: Bool { hasDelivered || !rejection.utf8.isEmpty }

    init(name: String, _ backend: any Backend) {
        self.name = name
        self.backend = backend
    }
}
