// SPDX-License-Identifier: Apache-2.0

/// Takes one request. Made when its head has come, and gone when the answer is given. Nothing in it may wait: the agent has
/// one thread.
package protocol RequestHandler: AnyObject {
    /// The next part of the body, as long as the call; chunks are taken apart already, codings (gzip) are not. An answer:
    /// nothing more is wanted. It is sent at once, and the connection ends after it.
    func take(_ bytes: UnsafeRawBufferPointer) -> HTTPAnswer?
    /// The whole body has come.
    func finish() -> HTTPAnswer
    /// The body is longer than the route takes, or says that it is. The connection ends after the answer.
    func refuseLength() -> HTTPAnswer
    /// There is no memory to go on with.
    func withoutMemory() -> HTTPAnswer
}

extension RequestHandler {
    package func refuseLength() -> HTTPAnswer { .refusing(413) }
    package func withoutMemory() -> HTTPAnswer { .withoutMemory }
}

/// Which requests a handler is for.
package struct Route {
    package let method: HTTPMethod
    package let path: StaticString
    /// Longest body, as it comes: before anything is unpacked. A longer one is answered with 413.
    package let bodyLimit: Int
    /// The media types that a body may have, in lower case; any other is answered with 415. A page of another site cannot
    /// send one of these without asking first (CORS), and nobody answers that. Empty: nothing is said about it.
    package let contentTypes: [StaticString]
    /// Only over the Unix socket: a port is shared by all users of the machine and by every web page.
    package let isLocalOnly: Bool
    /// Also over a port that was opened for the page alone.
    package let isOfPage: Bool
    package let make: (HTTPRequest) -> any RequestHandler

    package init(
        _ method: HTTPMethod, _ path: StaticString, bodyLimit: Int = 0, contentTypes: [StaticString] = [],
        isLocalOnly: Bool = false, isOfPage: Bool = false, make: @escaping (HTTPRequest) -> any RequestHandler
    ) {
        self.method = method
        self.path = path
        self.bodyLimit = bodyLimit
        self.contentTypes = contentTypes
        self.isLocalOnly = isLocalOnly
        self.isOfPage = isOfPage
        self.make = make
    }

    /// For requests without a body that matters.
    package init(
        _ method: HTTPMethod, _ path: StaticString, isLocalOnly: Bool = false, isOfPage: Bool = false,
        answer: @escaping (HTTPRequest) -> HTTPAnswer
    ) {
        self.init(method, path, isLocalOnly: isLocalOnly, isOfPage: isOfPage) { PlainHandler($0, answer) }
    }
}

private final class PlainHandler: RequestHandler {
    private let request: HTTPRequest
    private let answer: (HTTPRequest) -> HTTPAnswer

    init(_ request: HTTPRequest, _ answer: @escaping (HTTPRequest) -> HTTPAnswer) {
        self.request = request
        self.answer = answer
    }

    func take(_ bytes: UnsafeRawBufferPointer) -> HTTPAnswer? { nil }
    func finish() -> HTTPAnswer { answer(request) }
}

/// For a body that is short enough to be kept until it is whole.
final class CollectingHandler: RequestHandler {
    private let answer: ([UInt8]) -> HTTPAnswer
    private var body: [UInt8] = []

    init(_ answer: @escaping ([UInt8]) -> HTTPAnswer) { self.answer = answer }

    func take(_ bytes: UnsafeRawBufferPointer) -> HTTPAnswer? {
        body.append(contentsOf: bytes)
        return nil
    }

    func finish() -> HTTPAnswer { answer(body) }
}

/// Takes lines that are not HTTP, over the Unix socket alone. Nothing in it may wait.
package protocol LineHandler: AnyObject {
    /// What came, in whatever parts. What is to be written back, and whether the connection ends after it.
    func take(_ bytes: UnsafeRawBufferPointer) -> (answer: [UInt8], isLast: Bool)
    /// The client has written its last; what is still to be written back.
    func finish() -> [UInt8]
}

/// Finds the handler of a request.
package final class Router {
    private var routes: [Route] = []
    /// For a connection of the Unix socket whose first byte is `{`; nil: there is none.
    package var lines: ((Peer) -> any LineHandler)?

    package init() {}

    package func add(_ route: Route) { routes.append(route) }

    enum Found {
        case route(Route)
        case refused(HTTPAnswer)
    }

    private static func isOpen(_ route: Route, to peer: Peer) -> Bool {
        peer.isLocal || !route.isLocalOnly && (route.isOfPage || !peer.isForPage)
    }

    /// HEAD is for what GET is for.
    func find(_ request: HTTPRequest) -> Found {
        let method = request.method == .head ? .get : request.method
        var allowed = ""
        for route in routes where route.path.isSame(request.path) && Self.isOpen(route, to: request.peer) {
            if route.method == method { return .route(route) }
            allowed += (allowed.utf8.isEmpty ? "" : ", ") + route.method.name.description
            if route.method == .get { allowed += ", HEAD" }
        }
        if allowed.utf8.isEmpty { return .refused(.refusing(404)) }
        var answer = HTTPAnswer.refusing(405)
        answer.fields = ["Allow: " + allowed]
        return .refused(answer)
    }
}
