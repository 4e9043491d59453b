// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

extension Collector {
    /// In the child, with the mutex held: the child has no worker, and the segments belong to the parent.
    func leaveToParent() {
        recorder.pointee.segment.store(0, ordering: .releasing)
        looked = 0
        recorder.pointee.counts.reset()
        spool?.abandon()
        spool = nil
        dispatcher = nil
        // Their connections belong to the parent, whose thread may be using them at this moment. They are neither used
        // nor closed here.
        for outlet in outlets { _ = Unmanaged.passRetained(outlet) }
        outlets = []
        if let metricDelivery { _ = Unmanaged.passRetained(metricDelivery) }
        (metricDelivery, isMetricDeliveryMade, metricLook) = (nil, false, .max)
        worker = WorkerState()
        log?.becomeChild()
        condition.reinitialise()
        metrics?.becomeChild()
        leaveSpansToParent()
        // Its thread is the parent's, and its sockets are closed already. It may have been in the middle of a change.
        if let server = listener.server { _ = Unmanaged.passRetained(server) }
        listener = ListenerState()
    }
}
