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
    /// Something was consumed in this pass.
    var hasSent = false
    /// Without a spool, its delivery state.
    var heapState = DeliveryState()

    init(name: String, _ backend: any Backend) {
        self.name = name
        self.backend = backend
    }
}
