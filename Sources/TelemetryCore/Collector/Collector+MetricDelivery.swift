// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Metrics are handed on by the worker: at an interval while the program lives, and when it flushes or closes.
extension Collector {
    /// With the mutex held. Nil: metrics go nowhere.
    func currentMetricDelivery() -> MetricDelivery? {
        mutex.assertHeld()
        if !isMetricDeliveryMade {
            isMetricDeliveryMade = true
            if !decision.isLocalOnly && !isDryRun {
                metricDelivery = MetricDelivery(options)
                metricDelivery?.log = log
            }
        }
        return metricDelivery
    }

    /// This process hands metrics on, and not another one after it.
    var handsMetricsOn: Bool {
        mutex.withLock {
            currentMetricDelivery() != nil
                && (options.delivery == TELEMETRY_IN_PROCESS || metrics?.map.map { !$0.isShared } == true)
        }
    }

    /// With the mutex held. This process has recorded metrics, or others have.
    var areMetricsThere: Bool {
        mutex.assertHeld()
        guard currentMetricDelivery() != nil else { return false }
        if metrics?.map != nil { return true }
        guard let shared = SpoolDirectory.openExisting(options) else { return false }
        defer { shared.close() }
        return MetricMap.isThere(in: shared.directory)
    }

    /// With the mutex held. The first interval begins.
    func startHandingOn() {
        mutex.assertHeld()
        guard metricLook == .max, let map = metrics?.map, let delivery = currentMetricDelivery(),
            options.delivery == TELEMETRY_IN_PROCESS || !map.isShared
        else { return }
        delivery.begin(Clock.realtime())
        planMetrics(delivery)
        startWorker()
        condition.broadcast()
    }

    /// With the mutex held; releases it while sending.
    func passMetrics(_ urgency: MetricDelivery.Urgency) -> PassMachine.Result {
        mutex.assertHeld()
        guard let delivery = currentMetricDelivery() else {
            metricLook = .max
            return .done
        }
        let map = metrics?.map
        mutex.unlock()
        var result = PassMachine.Result.done
        if let map, !map.isShared {
            if let snapshot = MetricSnapshot.of(map) {
                result = delivery.pass(inMemory: snapshot, urgency, until: .never, isCancelled: isCancelled)
            }
        } else if let shared = SpoolDirectory.openExisting(options) {
            result = delivery.pass(in: shared, urgency, until: .never, isCancelled: isCancelled)
            shared.close()
        }
        mutex.lock()
        planMetrics(delivery)
        if endIfRefused(result) { metricLook = .max }
        return result
    }

    /// With the mutex held. The other clock may be set, so it is looked at again at least once an hour.
    private func planMetrics(_ delivery: MetricDelivery) {
        mutex.assertHeld()
        let pause = max(0, delivery.nextLook) &- Clock.realtime()
        metricLook = Clock.monotonic() &+ max(Self.shortestPause, min(pause, Self.longestPause))
    }

    private static let shortestPause: Int64 = 1_000_000_000
    private static let longestPause: Int64 = 3600 * 1_000_000_000
}
