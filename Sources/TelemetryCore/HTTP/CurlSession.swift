// SPDX-License-Identifier: Apache-2.0
import CSystem

struct TransportError: Error, Equatable {
    let text: String
}

/// One libcurl handle and its connections. The multi interface never waits longer than it is told, so that a request
/// can be cancelled.
final class CurlSession {
    enum Result {
        /// `location`: where a redirect leads, as an absolute URL.
        case response(HTTPResponse, location: String?)
        /// `hasLeft`: some of the request has been sent.
        case failure(String, hasLeft: Bool)
    }

    /// Longest pause between two looks at `isCancelled`.
    private static let pollMilliseconds = 5

    private let easy: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    private let mark = ForkMark()
    private let losses = csystem_curl_losses()
    /// Not 0 while a transfer that was cancelled is taken down.
    private let isResetting: UnsafeMutablePointer<Int32>
    /// libcurl's text about a failure. It is never shown, because it may repeat the URL.
    private let detail: UnsafeMutablePointer<CChar>
    private let watch: UnsafeMutablePointer<csystem_curl_watch>
    /// False: libcurl does not say when a request leaves.
    private var isWatched = false

    /// False in a forked child, and if the program has closed its descriptors.
    var isOwn: Bool { mark.isOwn && losses == csystem_curl_losses() }

    init() throws(TransportError) {
        try Self.load()
        guard let easy = csystem_curl_easy_init() else { throw TransportError(text: "out of memory") }
        guard let multi = csystem_curl_multi_init() else {
            csystem_curl_cleanup(easy, nil)
            throw TransportError(text: "out of memory")
        }
        self.easy = easy
        self.multi = multi
        isResetting = .allocate(capacity: 1)
        detail = .allocate(capacity: Int(CURL_ERROR_SIZE))
        watch = .allocate(capacity: 1)
        isResetting.initialize(to: 0)
        detail.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        watch.initialize(to: csystem_curl_watch(leaves: requestLeaves, context: nil))
        guard configure() else {
            close()
            throw TransportError(text: "libcurl lacks an option that is needed")
        }
    }

    func close() {
        csystem_curl_cleanup(easy, multi)
        isResetting.deallocate()
        detail.deallocate()
        watch.deallocate()
    }

    /// Without a body: a HEAD request.
    func perform(
        _ endpoint: Endpoint, _ headers: [String], _ body: UnsafeRawBufferPointer?, isPut: Bool = false,
        _ reader: ResponseReader, _ control: SendControl, deadline: Deadline
    ) -> Result {
        guard let list = Self.makeList(headers) else { return .failure("out of memory", hasLeft: false) }
        let isReady =
            prepare(endpoint, list, body, reader, deadline: deadline) && avoidSecondSending(control)
            && csystem_curl_set_text(easy, CURLOPT_CUSTOMREQUEST, isPut ? "PUT" : nil) == CURLE_OK
        watch.pointee.context = Unmanaged.passUnretained(control).toOpaque()
        var failure: String? = isReady ? "called off" : "out of memory"
        if isReady && (isWatched || control.leave()) { failure = run(control, deadline: deadline) }
        let location = csystem_curl_get_text(easy, CURLINFO_REDIRECT_URL).map { String(cString: $0) }
        forget()
        csystem_curl_list_free(list)
        // A complete header section is an answer, even if the transfer failed later: a receiver that has said 200 has
        // the events, and one that has said 413 may cut the upload off.
        guard var response = reader.response else {
            return .failure(proxyRefusal ?? failure ?? "the answer is not HTTP", hasLeft: hasLeft(to: endpoint))
        }
        // RFC 9110, section 15.5.8: only a proxy answers 407. The receiver has seen nothing.
        if response.status == 407 { return .failure(Self.refusal(407), hasLeft: false) }
        response.isCut = failure != nil
        return .response(response, location: Self.isRepeated(response.status) ? location : nil)
    }

    /// RFC 9110, section 15.4: 307 and 308 repeat the request unchanged; after 301 and 302 a POST may stay a POST. 303
    /// names a page about what happened to the request, to be fetched by GET, so events cannot be sent there. The other
    /// statuses lead nowhere.
    private static func isRepeated(_ status: Int) -> Bool {
        status == 301 || status == 302 || status == 307 || status == 308
    }

    /// Whether some of the request has been sent, as far as that can be known. What is sent to a proxy before the
    /// receiver's TLS (CONNECT) is not a part of the request.
    private func hasLeft(to endpoint: Endpoint) -> Bool {
        if csystem_curl_get_long(easy, CURLINFO_REQUEST_SIZE) == 0 { return false }
        let isReused = csystem_curl_get_long(easy, CURLINFO_NUM_CONNECTS) == 0
        return endpoint.scheme == .http || isReused || csystem_curl_get_offset(easy, CURLINFO_APPCONNECT_TIME_T) > 0
    }

    /// The proxy's answer to CONNECT, if it was a refusal.
    private var proxyRefusal: String? {
        let status = csystem_curl_get_long(easy, CURLINFO_HTTP_CONNECTCODE)
        return status == 0 || (200...299).contains(status) ? nil : Self.refusal(status)
    }

    private static func refusal(_ status: Int) -> String { "the proxy refuses: HTTP " + status.description }

    private static func load() throws(TransportError) {
        // libcurl would create that file, or write to it, with rights that the caller does not have.
        if Environment.isUntrusted && Environment.refusing("SSLKEYLOGFILE") != nil {
            throw TransportError(
                text: "SSLKEYLOGFILE is set, and this program has rights that its caller does not have")
        }
        var reason = [CChar](repeating: 0, count: 256)
        let failure = reason.withUnsafeMutableBufferPointer { area -> String? in
            let isLoaded = SignalMask.withAllBlocked { csystem_curl_load(area.baseAddress, area.count) }
            return isLoaded ? nil : area.baseAddress.map { String(cString: $0) } ?? ""
        }
        if let failure { throw TransportError(text: "libcurl.so.4 cannot be loaded: " + failure) }
    }

    /// Sets the options that apply to every request.
    private func configure() -> Bool {
        // No signals for timeouts; TLS 1.2 or later; the headers of a proxy's CONNECT are left out. HTTP/1.1, as the
        // preview shows: one request at a time gains nothing from HTTP/2.
        let numbers: [(CURLoption, Int)] = [
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            (CURLOPT_PROXY_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            (CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            (CURLOPT_SUPPRESS_CONNECT_HEADERS, 1), (CURLOPT_FOLLOWLOCATION, 0),
        ]
        for (option, value) in numbers where csystem_curl_set_long(easy, option, value) != CURLE_OK { return false }
        // Since 7.87: do not wait for a name server that does not answer when a request is cancelled.
        _ = csystem_curl_set_long(easy, CURLOPT_QUICK_EXIT, 1)
        isWatched = csystem_curl_set_watch(easy, watch)
        return csystem_curl_set_reset(easy, isResetting) == CURLE_OK
            && csystem_curl_set_error_text(easy, detail) == CURLE_OK
            && trustChosenAuthorities() && csystem_curl_confine(easy) == CURLE_OK
    }

    /// OpenSSL itself and the program `curl` read these variables, but libcurl uses the path that it was built with.
    /// Another system's libcurl, and a site with its own authority, need them.
    private func trustChosenAuthorities() -> Bool {
        trust("SSL_CERT_FILE", CURLOPT_CAINFO, CURLOPT_PROXY_CAINFO)
            && trust("SSL_CERT_DIR", CURLOPT_CAPATH, CURLOPT_PROXY_CAPATH)
    }

    private func trust(_ name: String, _ option: CURLoption, _ proxyOption: CURLoption) -> Bool {
        guard let path = Environment.path(name) else { return true }
        let isRefused = PathText.call(path) {
            csystem_curl_set_text(easy, option, $0) == CURLE_OK
                && csystem_curl_set_text(easy, proxyOption, $0) == CURLE_OK ? 0 : 1
        }
        return isRefused == 0
    }

    private static func makeList(_ headers: [String]) -> UnsafeMutablePointer<curl_slist>? {
        // libcurl would hold back a large body for a second, waiting for 100 Continue.
        var list = csystem_curl_list_append(nil, "Expect:")
        for header in headers where list != nil {
            guard let longer = csystem_curl_list_append(list, header) else {
                csystem_curl_list_free(list)
                return nil
            }
            list = longer
        }
        return list
    }

    private func prepare(
        _ endpoint: Endpoint, _ list: UnsafeMutablePointer<curl_slist>, _ body: UnsafeRawBufferPointer?,
        _ reader: ResponseReader, deadline: Deadline
    ) -> Bool {
        let milliseconds = max(1, deadline.remainingMilliseconds(cap: Int(Int32.max)))
        let context = Unmanaged.passUnretained(reader).toOpaque()
        return csystem_curl_set_text(easy, CURLOPT_URL, endpoint.url) == CURLE_OK
            && chooseProxy(for: endpoint) == CURLE_OK
            && csystem_curl_set_long(easy, CURLOPT_TIMEOUT_MS, milliseconds) == CURLE_OK
            && csystem_curl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds) == CURLE_OK
            && csystem_curl_set_headers(easy, list) == CURLE_OK
            && setBody(body) == CURLE_OK
            && csystem_curl_set_receivers(easy, receiveHeader, receiveBody, context) == CURLE_OK
    }

    /// libcurl obeys the environment (`HTTPS_PROXY`, `NO_PROXY` and so on). Plain HTTP is allowed to this machine
    /// because it does not leave it, so it never goes to a proxy.
    private func chooseProxy(for endpoint: Endpoint) -> CURLcode {
        let isLocal = endpoint.scheme == .http && endpoint.isLoopback
        return csystem_curl_set_text(easy, CURLOPT_PROXY, isLocal || Environment.isUntrusted ? "" : nil)
    }

    /// When a kept connection turns out to be dead, libcurl sends the request once more over a new one, even
    /// if the receiver had it already (E7).
    private func avoidSecondSending(_ control: SendControl) -> Bool {
        csystem_curl_set_long(easy, CURLOPT_FORBID_REUSE, control.isOnce ? 1 : 0) == CURLE_OK
    }

    private func setBody(_ body: UnsafeRawBufferPointer?) -> CURLcode {
        guard let body else { return csystem_curl_set_long(easy, CURLOPT_NOBODY, 1) }
        return csystem_curl_set_body(easy, body.baseAddress, body.count)
    }

    /// The handle stays, but the memory that the request lent to it goes.
    private func forget() {
        watch.pointee.context = nil
        _ = csystem_curl_set_headers(easy, nil)
        _ = csystem_curl_set_body(easy, nil, 0)
        _ = csystem_curl_set_receivers(easy, receiveHeader, receiveBody, nil)
    }

    /// Nil: the transfer has ended well. Otherwise the reason why not, for people.
    private func run(_ control: SendControl, deadline: Deadline) -> String? {
        guard csystem_curl_multi_add(multi, easy) == CURLM_OK else { return "out of memory" }
        defer {
            if isOwn { _ = csystem_curl_multi_remove(multi, easy) }
            isResetting.pointee = 0
        }
        while true {
            var running: Int32 = 0
            guard isOwn else { return "the program has closed the connection" }
            // The thread that resolves names inherits the mask.
            guard SignalMask.withAllBlocked({ csystem_curl_multi_perform(multi, &running) }) == CURLM_OK else {
                return csystem_curl_is_over() ? "called off" : "libcurl failed"
            }
            if running == 0 { return ending() }
            if control.isCancelled() {
                // Bytes that the kernel still holds must not leave, especially after consent was withdrawn.
                isResetting.pointee = 1
                return "called off"
            }
            let left = deadline.remainingMilliseconds(cap: Self.pollMilliseconds)
            if left == 0 { return "no answer in time" }
            guard csystem_curl_multi_poll(multi, Int32(left)) == CURLM_OK else { return "libcurl failed" }
        }
    }

    private func ending() -> String? {
        var code = CURLE_OK
        guard csystem_curl_multi_ended(multi, &code) else { return "libcurl failed" }
        if code == CURLE_OK { return nil }
        let isFresh =
            csystem_curl_get_offset(easy, CURLINFO_APPCONNECT_TIME_T) > 0
            && csystem_curl_get_long(easy, CURLINFO_NUM_CONNECTS) > 0
        let verification = csystem_curl_get_long(easy, CURLINFO_SSL_VERIFYRESULT)
        if let text = TLSFailure.text(code, verification: verification, detail, isFresh: isFresh) { return text }
        // libcurl's general sentence: its specific one may repeat the URL.
        guard let text = csystem_curl_error_text(code) else { return "libcurl error " + String(code.rawValue) }
        return String(cString: text)
    }
}

private func requestLeaves(_ context: UnsafeMutableRawPointer?) -> Bool {
    guard let context else { return true }
    return Unmanaged<SendControl>.fromOpaque(context).takeUnretainedValue().leave()
}

/// To make libcurl give the transfer up, both receivers return any number other than `count`.
private func receiveHeader(
    _ bytes: UnsafeMutablePointer<CChar>?, _ one: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let reader = Unmanaged<ResponseReader>.fromOpaque(context).takeUnretainedValue()
    return reader.header(UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
}

private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ one: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    return Unmanaged<ResponseReader>.fromOpaque(context).takeUnretainedValue().body(
        UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
}
