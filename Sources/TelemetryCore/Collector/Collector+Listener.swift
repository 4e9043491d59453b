// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// The server of metrics that the program has asked for. Guarded by the collector's mutex.
struct ListenerState {
    /// Nil: none was asked for, it has ended, or this is a forked child.
    var server: MetricsServer?
    var isRunning = false
    /// Why there is none.
    var failure: String?
}

extension Collector {
    /// Called once, when the collector is opened. Nothing listens unless something may be recorded, for the author or for
    /// the user. A port that cannot be had keeps nothing else from working.
    func startListener() {
        guard let address = options.metricsListener, decision.isEnabled || ownCollector() != nil else { return }
        // One that is off is not registered yet.
        if !decision.isEnabled { ForkHandling.register(self) }
        mutex.lock()
        defer { mutex.unlock() }
        guard Allocation.isAvailable else {
            listener.failure = "out of memory"
            return
        }
        do throws(SystemError) {
            let server = try MetricsServer(address)
            listener.isRunning = LibraryThread.start {
                let isComplete = server.run { self.scraped($0) }
                self.listenerEnded(isComplete ? nil : server.address)
            }
            if listener.isRunning {
                listener.server = server
            } else {
                server.close()
                listener.failure = "no thread could be started"
            }
        } catch {
            listener.failure = address.description + ": " + error.text
        }
    }

    /// `lost`: the address that could not be had again.
    private func listenerEnded(_ lost: ListenAddress?) {
        mutex.withLock {
            if let lost { listener.failure = lost.description + ": closed by the program" }
            listener.server = nil
            listener.isRunning = false
            condition.broadcast()
        }
    }

    /// On the listener's thread.
    private func scraped(_ choice: ExpositionChoice) -> ScrapeContent {
        // What is kept for the user, if there is such a thing: the same as telemetry_metrics_write() gives.
        let own = ownCollector().flatMap { Gate.isOpen($0.handle) ? $0 : nil }
        let source = own ?? self
        do throws(SystemError) {
            // The file may be withdrawn at any time.
            guard let snapshot = try source.metricSnapshot() ?? .empty else { return .failure }
            return Self.content(snapshot, processMetrics, choice)
        } catch {
            // An answer without metrics would say that they are gone.
            if Gate.isOpen(source.handle) || Gate.isOpen(handle) { return .failure }
        }
        guard let snapshot = MetricSnapshot.empty, case .text(let text) = Self.content(snapshot, [], choice) else {
            return .failure
        }
        return .ended(text)
    }

    private static func content(
        _ snapshot: MetricSnapshot, _ fixed: [FixedFamily], _ choice: ExpositionChoice
    ) -> ScrapeContent {
        var text = PrometheusText(choice.format)
        text.write(snapshot, fixed)
        guard let bytes = text.bytes, Allocation.isAvailable(for: 2 &* bytes.count) else { return .failure }
        return .text(Array(bytes))
    }

    /// Where metrics can be scraped; or why they cannot be.
    package var listenerAddress: (status: telemetry_status, text: String) {
        mutex.withLock {
            if let server = listener.server { return (TELEMETRY_OK, server.address.description) }
            if let failure = listener.failure { return (TELEMETRY_ERROR_SYSTEM, failure) }
            return (TELEMETRY_DISABLED, "")
        }
    }

    /// Takes as long as the answer that is being written for a client, and no longer than the deadline or a moment.
    func stopListener(_ deadline: Deadline) {
        mutex.lock()
        defer { mutex.unlock() }
        guard listener.isRunning else { return }
        listener.server?.stop()
        while listener.isRunning, condition.wait(mutex, until: deadline) {}
    }
}
