// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A program asks for the erasure of its user's data. The requests run on a thread of the library, because a TLS library
/// may raise signals; the program's thread waits for it, and no longer than it wants to.
package final class ProgramDeletion {
    private let options: Options
    /// Nil: every id that is known here.
    private let id: String?
    private let request: ((String) -> Bool)?
    private let mutex = Mutex()
    private let condition = Condition()
    private var answer: (status: telemetry_status, report: String)?
    private var isOver = false

    package init(_ options: Options, id: String?, request: ((String) -> Bool)?) {
        // The program may free its own.
        self.options = Options(options.settings)
        self.id = id
        self.request = request
    }

    package func run(timeoutMilliseconds: UInt32) -> (status: telemetry_status, report: String) {
        if let error = options.error { return (TELEMETRY_ERROR_ARGUMENT, error) }
        if let id, !(1...200).contains(id.utf8.count) || UnseenCharacter.isIn(id) {
            return (TELEMETRY_ERROR_ARGUMENT, "machine_id: expected 1 to 200 bytes without control characters")
        }
        let deadline = Deadline(timeoutMilliseconds: timeoutMilliseconds)
        let isStarted = LibraryThread.start {
            let answer = self.ask(deadline)
            csystem_curl_thread_ends()
            self.mutex.withLock {
                self.answer = answer
                self.condition.broadcast()
            }
        }
        guard isStarted else { return (TELEMETRY_ERROR_SYSTEM, "no thread could be started") }
        mutex.lock()
        defer { mutex.unlock() }
        let end = Deadline(nanoseconds: deadline.nanoseconds &+ Self.graceNanoseconds)
        while answer == nil && condition.wait(mutex, until: end) {}
        isOver = true
        return answer ?? (TELEMETRY_ERROR_TIMEOUT, "the time was not enough to ask for all identifiers")
    }

    /// A request that was called off needs a moment to end.
    private static let graceNanoseconds: Int64 = 20_000_000

    private func ask(_ deadline: Deadline) -> (status: telemetry_status, report: String) {
        let mayBeOn = DeletionRecipient.mayBeOn(options)
        let known = KnownIDs.read(options: options, mayBeOn: mayBeOn)
        var ids = id.map { [$0] } ?? known.all
        // That of this run alone is in no file.
        if id == nil, let present = ForkHandling.presentEphemeralID(tool: options.toolName), !ids.contains(present) {
            ids.append(present)
        }
        let isLocal = request == nil && DeletionRecipient(options).reach == .local
        let gap = id != nil || isLocal ? nil : known.gap(options, mayBeOn: mayBeOn)
        if ids.isEmpty {
            return gap.map { (TELEMETRY_ERROR_DELIVERY, $0) }
                ?? (TELEMETRY_ABSENT, "no identifier of " + options.toolName + " is in use: nothing to ask for")
        }
        var asking = DeletionRequest(
            options: options, networkRefusal: DeletionRequest.networkRefusal(options), withLogs: true,
            openMail: { _ in false })
        asking.mayWriteMail = false
        asking.isOfProgram = true
        asking.deadline = deadline
        asking.isCancelled = { self.mutex.withLock { self.isOver } || deadline.isPast }
        if let request { asking.request = { self.mutex.withLock { self.isOver } ? false : request($0) } }
        let result = asking.run(ids)
        return answer(result, gap: gap, ids.count, deadline)
    }

    private func answer(
        _ result: DeletionRequest.Result, gap: String?, _ count: Int, _ deadline: Deadline
    ) -> (status: telemetry_status, report: String) {
        let isAsked = result.unasked.isEmpty
        var report =
            isAsked
            ? "asked " + (result.receipts.last?.target ?? "") + " to erase the data of "
                + count.description + (count == 1 ? " identifier" : " identifiers") : "not all could be asked for"
        for text in (isAsked ? [] : result.problems) + result.unaskable + (gap.map { [$0] } ?? []) {
            report += "; " + text
        }
        if let problem = result.receiptProblem { report += "; no receipt was kept: " + problem }
        if isAsked && gap == nil { return (TELEMETRY_OK, report) }
        return (!isAsked && deadline.isPast ? TELEMETRY_ERROR_TIMEOUT : TELEMETRY_ERROR_DELIVERY, report)
    }
}
