// SPDX-License-Identifier: Apache-2.0

/// Asks for the erasure of what was sent under some ids, in the order of section G: the author's HTTP endpoint, an
/// e-mail, an event through the tool's backend. Ids for which one way failed are left to the next way. Works with any
/// consent.
package struct DeletionRequest {
    /// What was done, to be shown to the user.
    package struct Result {
        package var receipts: [DeletionReceipt] = []
        /// The e-mail that the user must send, if this way was used.
        package var mailto: String?
        package var isMailOpened = false
        /// Why a way was not available, or failed.
        package var problems: [String] = []
        /// Ids whose erasure could not be requested.
        package var unasked: [String] = []
        /// Other receivers that have events and cannot be asked, as sentences.
        package var unaskable: [String] = []
        /// Why the receipts could not be kept; nil: they were.
        package var receiptProblem: String?

        package init() {}

        /// Nobody was asked.
        package init(unasked ids: [String], because problem: String) {
            unasked = ids
            problems = [problem]
        }
    }

    private let options: Options
    /// Why the network must not be used; nil: it may be.
    private let networkRefusal: String?
    private let withLogs: Bool
    /// Opens a mailto URL for the user to send. False: there is no user to open it for.
    private let openMail: (String) -> Bool

    /// `withLogs`: a log at the author's path and standard output get the event too.
    package init(
        options: Options, networkRefusal: String?, withLogs: Bool = false, openMail: @escaping (String) -> Bool
    ) {
        self.options = options
        self.networkRefusal = networkRefusal
        self.withLogs = withLogs
        self.openMail = openMail
    }

    package func run(_ ids: [String]) -> Result {
        var result = Result()
        result.unasked = ids
        if !ids.isEmpty { callEndpoint(&result) }
        if !result.unasked.isEmpty { writeMail(&result) }
        if !result.unasked.isEmpty { sendEvents(&result) }
        keepReceipts(&result)
        return result
    }

    private func callEndpoint(_ result: inout Result) {
        guard let url = options.deletion.endpoint, mayUseNetwork(&result) else { return }
        let endpoint: Endpoint
        do throws(EndpointError) { endpoint = try Endpoint.parse(url) } catch {
            result.problems.append(error.text)
            return
        }
        let call = DeletionCall(endpoint: endpoint, headers: options.deletion.headers, toolName: options.toolName)
        ask(.http, { call.target }, &result) { call.ask(for: $0, now: Clock.realtime()) }
        call.close()
    }

    private func sendEvents(_ result: inout Result) {
        let recipients = options.destinations.filter { $0.takesDeletion && (withLogs || !$0.isLogged) }
        if recipients.isEmpty {
            result.problems.append(DeletionRecipient(options).text)
            return
        }
        guard mayUseNetwork(&result) else { return }
        for destination in options.allDestinations {
            let (reach, text) = DeletionRecipient.reach(destination.choice, options)
            if reach == .unknown { result.unaskable.append(text) }
        }
        if let program = DeletionRecipient.program(options) { result.unaskable.append(program) }
        let ids = result.unasked
        var unasked: [String] = []
        // All recipients have the events: an id counts as asked for only when all of them have been asked.
        for destination in recipients {
            result.unasked = ids
            let event = DeletionEvent(options: options, destination)
            let isKnown = !event.backend.isUnacknowledged
            ask(
                .event, { event.taker.utf8.isEmpty ? destination.address : event.taker }, &result,
                done: isKnown ? "accepted" : "sent; nothing acknowledges it"
            ) {
                event.ask(for: $0)
            }
            event.close()
            if !isKnown {
                result.unaskable.append(
                    "the backend '" + event.backend.kind + "' acknowledges nothing: the request may be lost")
            }
            if result.unasked.count > unasked.count { unasked = result.unasked }
        }
        result.unasked = unasked
    }

    private func mayUseNetwork(_ result: inout Result) -> Bool {
        guard let networkRefusal else { return true }
        if result.problems.isEmpty { result.problems.append(networkRefusal) }
        return false
    }

    /// Asks for one id after the other, until one is not accepted: a receiver that has refused one id is not asked
    /// about the rest.
    private func ask(
        _ method: DeletionReceipt.Method, _ address: () -> String, _ result: inout Result,
        done: String = "accepted", _ send: (String) -> String?
    ) {
        while let id = result.unasked.first {
            let problem = send(id)
            // A redirect may have led elsewhere.
            let target = address()
            let outcome = problem.map { "failed: " + $0 } ?? done
            result.receipts.append(receipt(method, target, id, outcome))
            if let problem {
                result.problems.append(target + ": " + problem)
                return
            }
            result.unasked.removeFirst()
        }
    }

    private func writeMail(_ result: inout Result) {
        guard let address = options.deletion.email else { return }
        let subject = options.deletion.subject ?? "Data deletion request: " + options.toolName
        var body = "Please erase all telemetry data of " + options.toolName + " with these identifiers:\n\n"
        for id in result.unasked { body += id + "\n" }
        let url = MailtoURL.text(to: address, subject: subject, body: body)
        result.mailto = url
        result.isMailOpened = openMail(url)
        let outcome = result.isMailOpened ? "opened for the user to send" : "printed for the user to send"
        for id in result.unasked { result.receipts.append(receipt(.email, address, id, outcome)) }
        result.unasked = []
    }

    private func receipt(
        _ method: DeletionReceipt.Method, _ target: String, _ id: String, _ outcome: String
    ) -> DeletionReceipt {
        DeletionReceipt(time: Clock.realtime(), method: method, target: target, machineID: id, outcome: outcome)
    }

    private func keepReceipts(_ result: inout Result) {
        guard !result.receipts.isEmpty, !options.isInMemory, let path = SpoolInspector.path(options: options) else {
            return
        }
        do throws(DeletionReceiptsError) {
            try DeletionReceipts.add(result.receipts, path: path)
        } catch {
            result.receiptProblem = path + "/" + error.text
        }
    }
}
