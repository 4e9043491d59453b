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
    /// False: nobody is there to send an e-mail.
    var mayWriteMail = true
    /// Of a program: its own way to ask, in place of the endpoint.
    var request: ((String) -> Bool)?
    /// The options are those of a program, which can reach what it has chosen in code.
    var isOfProgram = false
    var deadline = Deadline.never
    var isCancelled: () -> Bool = { false }

    /// `withLogs`: a log at the author's path and standard output get the event too.
    package init(
        options: Options, networkRefusal: String?, withLogs: Bool = false, openMail: @escaping (String) -> Bool
    ) {
        self.options = options
        self.networkRefusal = networkRefusal
        self.withLogs = withLogs
        self.openMail = openMail
    }

    /// The user's own act needs no consent. But a setting that keeps everything on this machine keeps this request, too
    /// (A7), and nobody goes against the administrator (A10). Nil: the network may be used.
    package static func networkRefusal(_ options: Options) -> String? {
        let decision = ConsentResolver.decide(options)
        if decision.source == .adminPolicy { return "the administrator's policy allows no telemetry traffic" }
        return decision.isLocalOnly ? "telemetry is local only here: nothing may leave this machine" : nil
    }

    package func run(_ ids: [String]) -> Result {
        var result = Result()
        result.unasked = ids
        if !ids.isEmpty { if request == nil { callEndpoint(&result) } else { callProgram(&result) } }
        if !result.unasked.isEmpty { writeMail(&result) }
        if !result.unasked.isEmpty && !isCancelled() { sendEvents(&result) }
        keepReceipts(&result)
        return result
    }

    private func callProgram(_ result: inout Result) {
        guard let request, mayUseNetwork(&result) else { return }
        ask(.program, { "the program" }, &result) { request($0) ? nil : "it could not ask" }
    }

    private func callEndpoint(_ result: inout Result) {
        guard let url = options.deletion.endpoint, mayUseNetwork(&result) else { return }
        let endpoint: Endpoint
        do throws(EndpointError) { endpoint = try Endpoint.parse(url) } catch {
            result.problems.append(error.text)
            return
        }
        let call = DeletionCall(
            endpoint: endpoint, headers: options.deletion.headers, toolName: options.toolName, control: control)
        ask(.http, { call.target }, &result) { call.ask(for: $0, now: Clock.realtime()) }
        call.close()
    }

    private func sendEvents(_ result: inout Result) {
        let recipients = options.destinations.filter { takesEvent($0) }
        if recipients.isEmpty {
            result.problems.append(DeletionRecipient(options).text)
            return
        }
        guard mayUseNetwork(&result) else { return }
        for destination in options.allDestinations where !takesEvent(destination) {
            let (reach, text) = DeletionRecipient.reach(destination.choice, options)
            if reach == .unknown { result.unaskable.append(text) }
        }
        if !isOfProgram, let program = DeletionRecipient.program(options) { result.unaskable.append(program) }
        let ids = result.unasked
        var unasked: [String] = []
        // All recipients have the events: an id counts as asked for only when all of them have been asked.
        for destination in recipients {
            result.unasked = ids
            let event = DeletionEvent(options: options, destination, control: control)
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

    private func takesEvent(_ destination: Destination) -> Bool {
        destination.takesDeletion && (withLogs || !destination.isLogged)
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
        while let id = result.unasked.first, !isCancelled() {
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
        guard mayWriteMail else {
            result.problems.append(
                "an e-mail to " + address
                    + " asks for erasure, which the user has to send: 'telemetry request-deletion --tool "
                    + options.toolName + "' writes it")
            return
        }
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

    /// For one request.
    private func control() -> SendControl {
        SendControl(
            deadline: deadline.earlier(Deadline(timeoutMilliseconds: DeletionCall.timeoutMilliseconds)),
            isCancelled: isCancelled)
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
