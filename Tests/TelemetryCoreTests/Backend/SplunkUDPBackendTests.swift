import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// F, E6, E7, E9: wire-formats "Splunk", key=value over UDP.
final class SplunkUDPBackendTests: XCTestCase {
    private func backend(_ host: String, _ port: Int? = nil) throws -> SplunkUDPBackend {
        let choice = NetworkChoice(.splunkUDP)
        XCTAssertNil(choice.set("endpoint", "udp://" + host + (port.map { ":\($0)" } ?? "")))
        XCTAssertNil(choice.problem().map { $0.text })
        return SplunkUDPBackend(try XCTUnwrap(choice.datagramReceiver), choice)
    }

    func testDatagramsAreWhatIsShown() throws {
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            guard let receiver = DatagramReceiver(isIPv6: host == "[::1]") else { continue }
            let backend = try backend(host, receiver.port)
            defer { backend.close() }
            let batch = Batch([WireSample.fullEvent, WireSample.largestEvent])
            XCTAssertEqual(batch.send(to: backend).verdict, .accepted)
            let datagrams = [receiver.next(), receiver.next()]
            let shown = batch.views.withUnsafeBufferPointer { backend.preview($0) }
            XCTAssertEqual(datagrams.flatMap { $0 ?? [] }, shown, host)
            XCTAssertNotNil(try KeyValueLine(try XCTUnwrap(datagrams[1]))["truncated"])
        }
    }

    func testDescription() throws {
        XCTAssertEqual(try backend("example.org").info, "splunk_udp: udp://example.org:514")
        XCTAssertEqual(try backend("[::1]", 5514).info, "splunk_udp: udp://[::1]:5514")
        XCTAssertTrue(try backend("h").isUnacknowledged)
        XCTAssertFalse(try backend("h").isLocal)
        for endpoint in [
            "udp://", "udp://h/x", "tcp://h", "udp://u@h", "udp://h:0", "udp://h:65536", "udp://[x]", "h:514",
            "udp://a b",
        ] {
            let choice = NetworkChoice(.splunkUDP)
            _ = choice.set("endpoint", endpoint)
            XCTAssertEqual(choice.problem()?.key, "endpoint", endpoint)
        }
        for setting in ["api_key", "headers", "compression", "allow_http", "index"] {
            XCTAssertFalse(NetworkChoice(.splunkUDP).has(setting))
        }
    }

    /// E6: nobody is there. The system says so of the datagram before; what has not been sent is kept, and
    /// the next batch is not tried.
    func testRefused() throws {
        let port = try XCTUnwrap(DatagramReceiver()).port
        let backend = try backend("127.0.0.1", port)
        defer { backend.close() }
        let batch = Batch(count: 10)
        let first = batch.send(to: backend)
        XCTAssertEqual(first.verdict, .accepted)
        let sent = try XCTUnwrap(first.eventCount)
        XCTAssertEqual(sent, 1)
        let next = batch.send(to: backend)
        XCTAssertEqual(next.verdict, .retry(afterSeconds: nil))
        XCTAssertFalse(next.hasLeft)
        XCTAssertTrue(next.reason.contains("refused"), next.reason)
    }

    /// E9, A18: what is called off before it begins does not leave, nor what is called off in the middle.
    func testCalledOff() throws {
        let receiver = try XCTUnwrap(DatagramReceiver())
        let backend = try backend("127.0.0.1", receiver.port)
        defer { backend.close() }
        var questions = 0
        let control = SendControl(
            deadline: .never,
            isCancelled: {
                questions += 1
                return questions > 3
            })
        XCTAssertEqual(Batch(count: 10).send(to: backend, control).eventCount, 3)
        XCTAssertEqual(Batch(count: 10).send(to: backend, control).verdict, .retry(afterSeconds: nil))
        let late = Batch(count: 10).send(to: backend, SendControl(deadline: Deadline(timeoutMilliseconds: 0)))
        XCTAssertEqual(late.verdict, .retry(afterSeconds: nil))
        XCTAssertFalse(late.hasLeft)
        for _ in 0..<3 { XCTAssertNotNil(receiver.next()) }
        XCTAssertNil(receiver.next(isWaiting: false))
    }

    func testNamesThatAreNone() throws {
        let outcome = Batch(count: 1).send(
            to: try backend("no-such-host.invalid"), SendControl(deadline: Deadline(timeoutMilliseconds: 5000)))
        XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil))
        XCTAssertFalse(outcome.hasLeft)
        XCTAssertTrue(outcome.reason.contains("resolved"), outcome.reason)
    }

    /// Nothing is opened before the first send; nothing stays open.
    func testDescriptors() throws {
        let receiver = try XCTUnwrap(DatagramReceiver())
        let before = openDescriptorCount()
        let backend = try backend("127.0.0.1", receiver.port)
        XCTAssertEqual(openDescriptorCount(), before)
        _ = Batch(count: 1).send(to: backend)
        XCTAssertEqual(openDescriptorCount(), before + 1)
        backend.close()
        XCTAssertEqual(openDescriptorCount(), before)
    }
}

/// A socket on this machine that datagrams can be sent to.
final class DatagramReceiver {
    let port: Int
    private let descriptor: Int32

    init?(isIPv6: Bool = false) {
        let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var four = sockaddr_in()
        four.sin_family = sa_family_t(AF_INET)
        four.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_addr = in6addr_loopback
        let isBound =
            isIPv6
            ? withUnsafePointer(to: &six) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, __CONST_SOCKADDR_ARG(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
            : withUnsafePointer(to: &four) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, __CONST_SOCKADDR_ARG(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        _ = withUnsafeMutablePointer(to: &six) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, __SOCKADDR_ARG(__sockaddr__: $0), &size)
            }
        }
        self.descriptor = descriptor
        // The port has the same place in both.
        port = Int(UInt16(bigEndian: six.sin6_port))
        if isBound != 0 { return nil }
    }

    deinit { close(descriptor) }

    func next(isWaiting: Bool = true) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, isWaiting ? 0 : Int32(MSG_DONTWAIT))
        return count < 0 ? nil : Array(bytes[..<count])
    }
}
