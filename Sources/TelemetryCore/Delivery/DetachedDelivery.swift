import CSystem

/// Delivery by a process of its own, so that the tool's ends at once.
package enum DetachedDelivery {
    /// Called by close() when events were left in the spool and delivery is due. Does nothing in a
    /// host program, which must not find itself with a child it did not start; the helper sets it.
    nonisolated(unsafe) package static var start: (Options) -> Void = { _ in }
}
