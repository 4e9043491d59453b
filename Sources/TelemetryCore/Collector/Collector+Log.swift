// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a program is told that asks for messages: what `status` and `doctor` would say, when it happens.
extension Collector {
    /// After opening.
    package func tellOpening() {
        guard let log else { return }
        if let error = options.error { log.add(TELEMETRY_LOG_ERROR, error) }
        log.add(
            TELEMETRY_LOG_INFO,
            "telemetry for " + Excerpt.of(options.toolName) + (decision.isEnabled ? " is on, " : " is off, ")
                + "decided by " + decision.source.name + ": " + decision.reason)
        for warning in decision.warnings { log.add(TELEMETRY_LOG_WARNING, warning) }
        if let failure = mutex.withLock({ listener.failure }) {
            log.add(TELEMETRY_LOG_WARNING, "metrics cannot be scraped: " + failure)
        }
        log.tell()
    }

    /// With the mutex held.
    func logStorage(_ failure: SystemError) {
        mutex.assertHeld()
        log?.addOnce(
            TELEMETRY_LOG_WARNING, "storage",
            "what is recorded is in memory and ends with this process: "
                + (SpoolInspector.path(options: options) ?? "no state directory") + ": " + failure.text)
    }

    /// With the mutex held.
    func logLoss(_ spool: Spool) {
        mutex.assertHeld()
        let error = spool.failure ?? SystemError(code: spool.lastErrno)
        log?.addOnce(
            TELEMETRY_LOG_ERROR, "loss",
            "events are lost: there is no room" + (error.code == 0 ? "" : " (" + error.text + ")"))
    }

    /// The text of the last failure of delivery; empty: the last one went well.
    package var lastError: String {
        guard isEnabled else { return "" }
        let (state, spans) = mutex.withLock { (dispatcher?.state, spanSinks?.author) }
        let own = state?.lastError ?? SpoolInspector.deliveryState(options: options)?.lastError ?? ""
        return own.utf8.isEmpty ? spans?.lastError ?? "" : own
    }
}

extension Recording {
    @inline(never)
    static func refuse(_ handle: UnsafeMutablePointer<telemetry_collector>, _ input: EventInput) -> telemetry_status {
        tell(handle, input, "the type or the name is missing or malformed")
        return refuse(handle)
    }

    @inline(never)
    static func refuseUndeclared(_ handle: UnsafeMutablePointer<telemetry_collector>, _ input: EventInput)
        -> telemetry_status
    {
        tell(handle, input, "the manifest does not declare it, or it has expired")
        return refuseUndeclared(handle)
    }

    /// The first time for each event: a program may record it very often.
    private static func tell(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ input: EventInput, _ reason: String
    ) {
        let collector = Collector.from(handle)
        guard let log = collector.log, Allocation.isAvailable else { return }
        let caller = csystem_enter()
        defer { csystem_leave(caller) }
        let event = collector.shown(input.type) + " '" + collector.shown(input.name) + "'"
        log.addOnce(TELEMETRY_LOG_WARNING, event, "the event " + event + " is refused: " + reason)
        log.tell()
    }
}

extension Collector {
    /// A program may have mistaken a secret for a name.
    fileprivate func shown(_ text: Text) -> String {
        let bytes = UnsafeBufferPointer(start: text.source, count: min(text.sourceLength, 256))
        return Excerpt.of(String(bytes: redactor.redact(bytes) ?? Array(bytes)))
    }
}
