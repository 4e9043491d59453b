// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A POST or a PUT, and the parts of it that may go only to the origin they were meant for.
struct HTTPRequest {
    /// PUT: what is there is replaced.
    var isPut = false
    let endpoint: Endpoint
    /// Complete header lines for every receiver.
    let headers: [String]
    /// Complete header lines that may contain credentials: left out once a redirect has left the origin.
    let privateHeaders: [String]
    /// The body contains a credential: a redirect that leaves the origin is not followed.
    var isBodyPrivate = false
    /// The body as it is sent: compressed, if `plainBody` is set.
    let body: UnsafeRawBufferPointer
    /// The uncompressed body, to show the request to people; nil: `body` itself.
    var plainBody: UnsafeRawBufferPointer?
    /// Most bytes of the answer's body that are read.
    var responseLimit = ResponseReader.bodyLimit
}

enum HTTPResult: Equatable {
    case response(HTTPResponse)
    /// No answer; the reason, for people.
    case failure(String, hasLeft: Bool)
}

/// Posts over HTTP(S) with libcurl. Keeps the connection between requests. For one thread at a time.
final class HTTPTransport {
    static let maxRedirects = 10

    /// The process is ending, or it is a child that was forked while another thread was inside libcurl.
    static var isOver: Bool { csystem_curl_is_over() }

    private var session: CurlSession?
    /// Where a redirect has led the last request; nil: there was no redirect.
    private(set) var redirected: Endpoint?
    /// The redirects have left the origin, even if they came back to it.
    private(set) var hasLeftOrigin = false

    /// Sends `request`; ends by the deadline, and within 10 ms of `control.isCancelled`.
    func post(_ request: HTTPRequest, _ control: SendControl, deadline: Deadline) -> HTTPResult {
        SignalMask.withoutWriteSignals { postFollowing(request, control, deadline: deadline) }
    }

    func close() {
        if let session, session.isOwn { SignalMask.withoutWriteSignals { session.close() } }
        session = nil
    }

    /// Redirects are followed here and not by libcurl, which would send the author's headers to any host that the
    /// Location names. The method stays POST. A host that redirects a request to another origin has not taken it. From
    /// then on credentials are left out, even if a redirect leads back.
    private func postFollowing(_ request: HTTPRequest, _ control: SendControl, deadline: Deadline) -> HTTPResult {
        var target = request.endpoint
        redirected = nil
        hasLeftOrigin = false
        for _ in 0...Self.maxRedirects {
            let session: CurlSession
            do throws(TransportError) { session = try openSession() } catch {
                return .failure(error.text, hasLeft: false)
            }
            let headers = hasLeftOrigin ? request.headers : request.headers + request.privateHeaders
            let reader = ResponseReader(bodyLimit: request.responseLimit)
            switch session.perform(
                target, headers, request.body, isPut: request.isPut, reader, control, deadline: deadline)
            {
            case .failure(let reason, let hasLeft): return .failure(reason, hasLeft: hasLeft)
            case .response(let response, nil): return .response(response)
            case .response(_, let location?):
                do throws(TransportError) { target = try redirect(request, from: target, to: location) } catch {
                    return .failure(error.text, hasLeft: false)
                }
            }
        }
        return .failure("more than " + String(Self.maxRedirects) + " redirects", hasLeft: false)
    }

    private func redirect(_ request: HTTPRequest, from source: Endpoint, to location: String) throws(TransportError)
        -> Endpoint
    {
        let target = try Self.redirect(from: source, to: location)
        if !target.isSameOrigin(as: request.endpoint) {
            hasLeftOrigin = true
            if request.isBodyPrivate {
                throw TransportError(
                    text: "redirect refused: the body holds the key, which is not for " + target.origin)
            }
            if request.endpoint.isRepeated(in: location) {
                throw TransportError(
                    text: "redirect refused: it repeats what may be a secret of the endpoint to " + target.origin)
            }
        }
        redirected = target
        return target
    }

    /// The target of a redirect must obey the rules of an endpoint, and a redirect never goes from https to http. A
    /// request that may go to another machine without TLS may be redirected to another machine without TLS.
    private static func redirect(from source: Endpoint, to location: String) throws(TransportError) -> Endpoint {
        do throws(EndpointError) {
            let target = try Endpoint.parse(location, allowingHTTP: !source.isLoopback)
            if source.scheme == .https && target.scheme == .http {
                throw EndpointError(text: "it leads from https to http")
            }
            return target
        } catch {
            throw TransportError(text: "redirect refused: " + error.text)
        }
    }

    /// A connection inherited over fork(2) belongs to the parent: it is left alone, not closed.
    private func openSession() throws(TransportError) -> CurlSession {
        if let session, session.isOwn { return session }
        let opened = try CurlSession()
        session = opened
        return opened
    }
}
