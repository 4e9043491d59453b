// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A POST, and what may go with it only to the origin it was meant for.
struct HTTPRequest {
    let endpoint: Endpoint
    /// Whole header lines for every receiver.
    let headers: [String]
    /// Whole header lines that may hold credentials: left out once a redirect has left the origin.
    let privateHeaders: [String]
    /// The body holds a credential: a redirect that leaves the origin is not followed.
    var isBodyPrivate = false
    /// As it is sent: compressed, if `plainBody` is there.
    let body: UnsafeRawBufferPointer
    /// What is in `body`, for who is shown the request; nil: `body` itself.
    var plainBody: UnsafeRawBufferPointer?
    /// Most bytes of the answer's body that are read.
    var responseLimit = ResponseReader.bodyLimit
}

enum HTTPResult: Equatable {
    case response(HTTPResponse)
    /// No answer; why, for people.
    case failure(String, hasLeft: Bool)
}

/// Posts over HTTP(S) with libcurl. Keeps the connection between requests. One thread at a time.
final class HTTPTransport {
    static let maxRedirects = 10

    /// The process ends, or it is a child forked while another thread was inside libcurl.
    static var isOver: Bool { csystem_curl_is_over() }

    private var session: CurlSession?
    /// Where a redirect has led the last request; nil: it stayed where it was sent to.
    private(set) var redirected: Endpoint?
    /// On the way there it has left the origin, perhaps to come back.
    private(set) var hasLeftOrigin = false

    /// Posts `request`; ends by the deadline, and within 10 ms of `control.isCancelled`.
    func post(_ request: HTTPRequest, _ control: SendControl, deadline: Deadline) -> HTTPResult {
        SignalMask.withoutWriteSignals { postFollowing(request, control, deadline: deadline) }
    }

    func close() {
        if let session, session.isOwn { SignalMask.withoutWriteSignals { session.close() } }
        session = nil
    }

    /// Redirects are followed here and not by libcurl, which would send the author's headers along
    /// to whatever host the Location names. The method stays POST. Who leads a request away from its origin has not
    /// taken it, and gets no say in what credentials come back with it.
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
            switch session.perform(target, headers, request.body, reader, control, deadline: deadline) {
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

    /// A redirect's target is held to the rules of an endpoint, and never goes from https to http. Who
    /// may post without TLS to another machine may be led to another by it.
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

    /// A connection inherited over fork(2) is the parent's: it is left alone, not closed.
    private func openSession() throws(TransportError) -> CurlSession {
        if let session, session.isOwn { return session }
        let opened = try CurlSession()
        session = opened
        return opened
    }
}
