import CSystem

/// Delivery by a process of its own, so that the tool's ends at once.
package enum DetachedDelivery {
    /// In the helper: a copy of this process that goes on without the caller's terminal, group or files.
    nonisolated(unsafe) package static var start: (Options) -> Void = { _ in }
}
