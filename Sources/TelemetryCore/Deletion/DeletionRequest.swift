// SPDX-License-Identifier: Apache-2.0

/// Asks for the erasure of what was sent under some ids, in the order of section G: the author's HTTP
/// endpoint, an e-mail, an event through the tool's backend. What one way did not achieve is left to
/// the next. Works whatever consent says.
package struct DeletionRequest {
    /// What was done, for the user's eyes.
    package struct Result {
        package var receipts: [DeletionReceipt] = []
        /// The e-mail to be sent by the user, if that was the way.
        package var mailto: String?
        package var isMailOpened = false
        /// Why a way was not open, or failed.
        package var problems: [String] = []
        /// Ids for whose erasure nobody could be asked.
        package var unasked: [String] = []
        /// Who else has events and cannot be asked, as sentences.
        package var unaskable: [String] = []
        /// The receipts could not be kept; why.
        package var receiptProblem: String?

        package init() {}

        /// Nobody was asked.
        package init(unasked ids: [String], because problem: String) {
            unasked = ids
            problems = [problem]
        }
    }

    private let options: Options
    /// Why nothing may be sent over the network; nil: it may.
    private let networkRefusal: String?
    /// Opens a mailto URL for the user to send. False: there is nobody to open it for.
    private let openMail: (String) -> Bool

    package init(options: Options, networkRefusal: String?, openMail: @escaping (String) -> Bool) {
        self.options = options
        self.networkRefusal = networkRefusal
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
        let recipients = options.destinations.filter { $0.takesDeletion }
        if recipients.isEmpty {
            result.problems.append(DeletionRecipient(options).text)
            return
        }
        guard mayUseNetwork(&result) else { return }
        for destination in options.destinations {
            let (reach, text) = DeletionRecipient.reach(destination.choice, options)
            if reach == .unknown { result.unaskable.append(text) }
        }
        let ids = result.unasked
        var unasked: [String] = []
        // Each of them has the events: an id is asked for only when all have been.
        for destination in recipients {
            result.unasked = ids
            let event = DeletionEvent(options: options, destination)
            ask(.event, { event.taker.utf8.isEmpty ? destination.address : event.taker }, &result) {
                event.ask(for: $0)
            }
            event.close()
            if result.unasked.count > unasked.count { unasked = result.unasked }
        }
        result.unasked = unasked
    }

    private func mayUseNetwork(_ result: inout Result) -> Bool {
        guard let networkRefusal else { return true }
        if result.problems.isEmpty { result.problems.append(networkRefusal) }
        return false
    }

    /// One id after the other, up to the first that is not accepted: who has refused one is not bothered
    /// with the rest.
    private func ask(
        _ method: DeletionReceipt.Method, _ address: () -> String, _ result: inout Result, _ send: (String) -> String?
    ) {
        while let id = result.unasked.first {
            let problem = send(id)
            // A redirect may have led elsewhere.
            let target = address()
            let outcome = problem.map { "failed: " + $0 } ?? "accepted"
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
        guard !result.receipts.isEmpty, let path = SpoolInspector.path(options: options) else { return }
        do throws(DeletionReceiptsError) {
            try DeletionReceipts.add(result.receipts, path: path)
        } catch {
            result.receiptProblem = path + "/" + error.text
        }
    }
}
