// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Lets the metrics of one tool be scraped: its file, as it is at each request. Works with any consent, and creates
/// nothing there.
package final class MetricsFileServer {
    private let options: Options
    private let delivery: Options?
    private let server: MetricsServer
    private let mutex = Mutex()
    private let condition = Condition()
    private var isRunning = false

    package var address: ListenAddress { server.address }

    /// `delivery`: with the counts of that tool's events.
    package init(_ options: Options, delivery: Options?, _ address: ListenAddress) throws(SystemError) {
        self.options = options
        self.delivery = delivery
        server = try MetricsServer(address)
    }

    /// False: there can be no thread.
    package func start() -> Bool {
        mutex.withLock {
            isRunning = LibraryThread.start {
                self.server.run { self.content($0) }
                self.mutex.withLock {
                    self.isRunning = false
                    self.condition.broadcast()
                }
            }
            return isRunning
        }
    }

    /// Waits a second at most for the answer that is being made.
    package func stop() {
        server.stop()
        let deadline = Deadline(timeoutMilliseconds: 1000)
        mutex.lock()
        while isRunning, condition.wait(mutex, until: deadline) {}
        mutex.unlock()
    }

    private func content(_ choice: ExpositionChoice) -> ScrapeContent {
        let format = choice.format == .openMetrics ? MetricsReport.Format.openMetrics : .prometheus
        let text = (try? MetricsReport.text(options, format, delivery: delivery)) ?? nil
        return text.map { .text($0) } ?? .failure
    }
}
