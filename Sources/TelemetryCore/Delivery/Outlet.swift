// SPDX-License-Identifier: Apache-2.0

/// One destination at work: its backend, and what this pass has come to with it.
final class Outlet {
    enum PassState {
        /// Takes what there is.
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
    /// It has failed before this pass, and not succeeded since.
    var isDoubtful = false
    /// Events were delivered in this pass.
    var hasDelivered = false
    /// Why events were rejected for good in this pass, the last time; empty: none were.
    var rejection = ""
    /// Who took them, where a redirect led there.
    var taker = ""
    /// Without a spool, its delivery state.
    var heapState = DeliveryState()

    var isAnswered: Bool { hasDelivered || !rejection.utf8.isEmpty }

    init(name: String, _ backend: any Backend) {
        self.name = name
        self.backend = backend
    }
}
