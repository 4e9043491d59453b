import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// The HTTP backend against a real receiver that checks every request: F, E6, E8, E9.
final class PostingBackendTests: XCTestCase {
    private func backend(_ url: String, headers: [(String, String)] = []) throws -> any Backend {
        let made = makeBackend(
            .http(endpoint: url, headers: headers.map { (name: $0.0, value: $0.1) }), toolName: "mytool",
            stateDirectory: nil)
        return try XCTUnwrap(made as? PostingBackend)
    }

    private func send(_ url: String, count: Int = 2, timeout: UInt32 = 5000) throws -> Outcome {
        let backend = try backend(url)
        defer { backend.close() }
        return Batch(count: count).send(to: backend, SendControl(deadline: Deadline(timeoutMilliseconds: timeout)))
    }

    func testRequestIsWhatTheWireSays() throws {
        let receiver = try LocalServer()
        let backend = try backend(
            receiver.url("/status/200?a=b"),
            headers: [
                ("X-Key", "s3cret"), ("X-Empty", ""), ("Content-Type", "text/plain"), ("user-agent", "x"),
                ("Bad Name", "x"), ("X-Break", "a\r\nb: c"),
            ])
        defer { backend.close() }
        XCTAssertEqual(Batch(count: 3).send(to: backend).verdict, .accepted)
        XCTAssertEqual(Batch(count: 3).send(to: backend).verdict, .accepted)
        XCTAssertEqual(Batch(count: 2).send(to: backend).verdict, .accepted)
        let requests = receiver.requests
        XCTAssertEqual(requests.map(\.problem), [nil, nil, nil])
        XCTAssertEqual(requests.map(\.path), Array(repeating: "/status/200?a=b", count: 3))
        XCTAssertEqual(Set(requests.map(\.connection)).count, 1, "the connection is kept")
        let keys = requests.map { $0.values("Idempotency-Key") }
        XCTAssertEqual(keys[0], keys[1], "the same batch")
        XCTAssertNotEqual(keys[0], keys[2], "another batch")
        for (name, values) in [
            ("X-Key", ["s3cret"]), ("X-Empty", [""]), ("Content-Type", ["application/json"]),
            ("User-Agent", ["libtelemetry/" + TelemetryVersion.text]),
            ("Expect", []), ("X-Break", []), ("b", []),
        ] {
            XCTAssertEqual(requests[0].values(name), values, name)
        }
        let events = try JSONSerialization.jsonObject(with: Data(requests[0].body.utf8)) as? [[String: Any]]
        XCTAssertEqual(events?.map { $0["name"] as? String }, ["event-0", "event-1", "event-2"])
    }

    /// Segment takes no event above 32 KiB: those before it go, it is left out, those behind follow; what is
    /// shown is the same.
    func testEventsThatDoNotGoIntoARequest() throws {
        let receiver = try LocalServer()
        let choice = NetworkChoice(.segment)
        for (key, value) in [("endpoint", receiver.url("/status/200")), ("api_key", "s3cret")] {
            XCTAssertNil(choice.set(key, value))
        }
        let backend = makeBackend(.network(choice), toolName: "mytool", stateDirectory: nil)
        defer { backend.close() }
        var builders = (0..<4).map { _ in RecordBuilder() }
        builders[2].error = [UInt8](repeating: 0x78, count: 40_000)
        let batch = Batch(builders)
        batch.views.withUnsafeBufferPointer { events in
            let control = SendControl(deadline: Deadline(timeoutMilliseconds: 5000))
            let sent = [0, 2, 3].map { backend.send(UnsafeBufferPointer(rebasing: events[$0...]), control) }
            // The receiver is strict about another wire.
            XCTAssertEqual(sent.map(\.verdict), [.rejected, .invalid(at: 0), .rejected])
            XCTAssertEqual(sent.map(\.eventCount), [2, nil, 1])
            XCTAssertEqual(sent.map(\.hasLeft), [true, false, true])
            XCTAssertEqual(sent[1].reason, "an event that segment does not take")
            let shown = String(decoding: backend.preview(events) ?? [], as: UTF8.self)
            XCTAssertEqual(shown.components(separatedBy: "POST /status/200 HTTP/1.1").count - 1, 2)
            XCTAssertEqual(shown.components(separatedBy: #""messageId":"#).count - 1, 3)
            XCTAssertFalse(shown.contains("s3cret") || shown.contains(Base64.text(of: "s3cret:")), shown)
        }
        XCTAssertEqual(receiver.requests.map { $0.body.components(separatedBy: #""messageId":"#).count - 1 }, [2, 1])
    }

    func testAnswers() throws {
        let receiver = try LocalServer()
        let cases: [(path: String, verdict: Verdict)] = [
            ("/status/200", .accepted), ("/status/204", .accepted), ("/status/500", .retry(afterSeconds: nil)),
            ("/status/429?retry-after=7", .retry(afterSeconds: 7)),
            (
                "/status/503?retry-after=Fri,%2031%20Dec%202200%2023:59:59%20GMT",
                .retry(afterSeconds: RetryAfter.maxSeconds)
            ),
            ("/status/503?retry-after=soon", .retry(afterSeconds: nil)), ("/status/408", .retry(afterSeconds: nil)),
            ("/status/410", .stop),
            ("/status/413", .split), ("/early-413", .split), ("/status/400", .rejected),
            ("/status/401", .retry(afterSeconds: 3600)),
            ("/status/304", .retry(afterSeconds: nil)), ("/reset", .retry(afterSeconds: nil)), ("/endless", .accepted),
            ("/endless-header", .retry(afterSeconds: nil)),
        ]
        for (path, verdict) in cases { XCTAssertEqual(try send(receiver.url(path)).verdict, verdict, path) }
        XCTAssertTrue(receiver.requests.allSatisfy { $0.problem == nil })
    }

    /// Large enough that the receiver answers and closes while the body is still on its way.
    func testEarlyRefusalOfALargeBody() throws {
        let receiver = try LocalServer()
        let backend = try backend(receiver.url("/early-413"))
        defer { backend.close() }
        let outcome = Batch(count: 300, padding: 60_000).send(to: backend)
        // The reset that follows may overtake the answer; the batch is kept in either case.
        XCTAssertTrue([.split, .retry(afterSeconds: nil)].contains(outcome.verdict), outcome.reason)
    }

    func testRedirectsKeepTheMethodAndTheBody() throws {
        let receiver = try LocalServer()
        for code in [301, 302, 307, 308] {
            XCTAssertEqual(try send(receiver.url("/redirect/\(code)?to=/status/202")).verdict, .accepted, "\(code)")
        }
        XCTAssertEqual(receiver.requests.filter { $0.path == "/status/202" && $0.problem == nil }.count, 4)
        let seeOther = try send(receiver.url("/redirect/303?to=/status/202"))
        XCTAssertEqual(
            [seeOther.verdict, seeOther.hasLeft ? .accepted : .stop], [.retry(afterSeconds: nil), .accepted],
            "see a page")
    }

    func testRedirectsAreBounded() throws {
        let receiver = try LocalServer()
        let outcome = try send(receiver.url("/loop"))
        XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil))
        XCTAssertEqual(outcome.reason, "more than 10 redirects")
        XCTAssertEqual(receiver.requests.count, 11)
    }

    func testRedirectsThatAreRefused() throws {
        let receiver = try LocalServer()
        for target in [
            "http://example.com/", "file:///etc/passwd", "ftp://localhost/", "https://user:s3cret@localhost/",
        ] {
            let outcome = try send(receiver.url("/redirect/307?to=" + target))
            XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil))
            XCTAssertTrue(outcome.reason.hasPrefix("redirect refused: "), outcome.reason)
            XCTAssertFalse(outcome.reason.contains("s3cret"))
        }
    }

    /// A header the author gave for one receiver is not for whomever it names in a Location.
    func testAuthorHeadersStayWithTheOrigin() throws {
        let (one, other) = (try LocalServer(), try LocalServer())
        // Encoded: a target that repeats the query is refused.
        let target = try XCTUnwrap(
            other.url("/status/200").addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        let backend = try backend(one.url("/redirect/307?to=" + target), headers: [("X-Key", "s3cret")])
        defer { backend.close() }
        XCTAssertEqual(Batch(count: 1).send(to: backend).verdict, .accepted)
        XCTAssertEqual(one.requests.first?.values("X-Key"), ["s3cret"])
        XCTAssertEqual(other.requests.first?.values("X-Key"), [])
        XCTAssertEqual(other.requests.first?.problem, nil)
    }

    /// E9: whatever the sink does, a send ends by its deadline (+ 50 ms), and keeps the events.
    func testDeadline() throws {
        let receiver = try LocalServer()
        let blackHole = try BlackHole()
        XCTAssertEqual(try send(receiver.url("/status/200")).verdict, .accepted, "libcurl is loaded")
        for url in ["/hang", "/deaf", "/slow-header"].map(receiver.url) + ["http://127.0.0.1:\(blackHole.port)/"] {
            for timeout in [UInt32(50), 300] {
                try assertEnds(within: Int64(timeout + 50), url) {
                    let start = Clock.monotonic()
                    XCTAssertEqual(try send(url, timeout: timeout).verdict, .retry(afterSeconds: nil), url)
                    return start
                }
            }
        }
    }

    /// The receiver has said 200: the events are there, however long it goes on about it.
    func testTrickledBodyEndsAtTheDeadlineAsAccepted() throws {
        let receiver = try LocalServer()
        try assertEnds(within: 250) {
            let start = Clock.monotonic()
            XCTAssertEqual(try send(receiver.url("/trickle"), timeout: 200).verdict, .accepted)
            return start
        }
    }

    func testCancelledSendEndsAtOnce() throws {
        let receiver = try LocalServer()
        let backend = try backend(receiver.url("/hang"))
        defer { backend.close() }
        assertEnds(within: 50) {
            let cancelAt = Deadline(timeoutMilliseconds: 150)
            let control = SendControl(deadline: .never, isCancelled: { cancelAt.isPast })
            XCTAssertEqual(Batch(count: 1).send(to: backend, control).reason, "called off")
            return cancelAt.nanoseconds
        }
    }

    func testUnreachable() throws {
        let closed = try BlackHole(listening: false)
        for url in [
            "http://localhost:\(closed.port)/", "https://no-such-host.invalid/", "https://localhost:\(closed.port)/",
        ] {
            let outcome = try send(url + "?key=s3cret", timeout: 2000)
            XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil), url)
            XCTAssertFalse(outcome.reason.isEmpty)
            XCTAssertFalse(outcome.reason.contains("s3cret"))
        }
    }

    func testUnknownCertificateIsRefused() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/certificate.pem"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", path, "-out", directory.path + "/own.pem",
        ]
        process.standardError = nil
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw XCTSkip("needs openssl") }
        directory.write(
            "certificate.pem", (directory.text("certificate.pem") ?? "") + (directory.text("own.pem") ?? ""))
        let receiver = try LocalServer(certificate: path)
        let outcome = try send(receiver.url("/status/200"))
        XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil))
        XCTAssertTrue(receiver.requests.isEmpty)
        XCTAssertFalse(outcome.reason.isEmpty)
    }

    /// A dead connection that was kept: no SIGPIPE, and the events stay.
    func testReceiverThatHangsUpBetweenBatches() throws {
        var receiver: LocalServer? = try LocalServer()
        let url = try XCTUnwrap(receiver).url("/status/200")
        let backend = try backend(url)
        defer { backend.close() }
        XCTAssertEqual(Batch(count: 1).send(to: backend).verdict, .accepted)
        receiver = nil
        XCTAssertEqual(Batch(count: 1).send(to: backend).verdict, .retry(afterSeconds: nil))
        var pending = sigset_t()
        sigpending(&pending)
        XCTAssertEqual(sigismember(&pending, SIGPIPE), 0)
    }
}

/// A local port whose connections are never accepted, with its queue full; or one that is closed.
private final class BlackHole {
    let port: UInt16
    private var descriptors: [Int32] = []

    init(listening: Bool = true) throws {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                guard bind(server, .init(__sockaddr__: $0), length) == 0,
                    getsockname(server, .init(__sockaddr__: $0), &length) == 0
                else { throw SystemError.current }
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        descriptors = [server]
        guard listening else { return }
        listen(server, 0)
        for _ in 0..<4 {
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            withUnsafePointer(to: &address) {
                _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(filler, .init(__sockaddr__: $0), length)
                }
            }
            descriptors.append(filler)
        }
    }

    deinit { descriptors.forEach { _ = Foundation.close($0) } }
}
