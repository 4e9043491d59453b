import CSystem
import Dispatch
import Foundation
import XCTest

@testable import TelemetryCore

/// Words for identifiers: none comes twice, in no thread, and in no child.
final class RandomSequenceTests: XCTestCase {
    /// fork(2), which Swift does not let a program call by name.
    private func fork() -> pid_t {
        typealias Fork = @convention(c) () -> pid_t
        return unsafeBitCast(dlsym(nil, "fork"), to: Fork.self)()
    }

    /// What `draw` gives in a forked child.
    private func inChild(_ count: Int, _ draw: () -> UInt64) throws -> [UInt64] {
        var ends: [Int32] = [0, 0]
        XCTAssertEqual(pipe(&ends), 0)
        let child = fork()
        if child == 0 {
            for _ in 0..<count {
                var word = draw()
                _ = write(ends[1], &word, 8)
            }
            _exit(0)
        }
        close(ends[1])
        let data = try XCTUnwrap(FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).readToEnd())
        waitpid(child, nil, 0)
        return data.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
        }
    }

    func testChildrenDrawOthers() throws {
        var seen = Set((0..<1000).map { _ in RandomSequence.word() })
        // The second child, and one whose parent has drawn nothing since the first.
        for _ in 0..<3 {
            let words = try inChild(1000) { RandomSequence.word() }
            XCTAssertEqual(words.count, 1000)
            seen.formUnion(words)
        }
        for _ in 0..<1000 { seen.insert(RandomSequence.word()) }
        XCTAssertEqual(seen.count, 5000)
    }

    func testChildOfAFreshSequence() throws {
        let sequence = try XCTUnwrap(RandomSequence())
        defer { sequence.remove() }
        let before = try inChild(3) { sequence.word() }
        let own = (0..<3).map { _ in sequence.word() }
        let after = try inChild(3) { sequence.word() }
        // Without keys that it made itself, the child would have had these.
        let later = (0..<3).map { _ in sequence.word() }
        XCTAssertEqual(Set(before + own + after + later).count, 12)
    }

    func testWithoutWipedMemory() throws {
        for index in 0...1 {
            _ = SystemFault.during((.map, index, EINVAL)) { XCTAssertNil(RandomSequence()) }
        }
    }

    func testWordsOfThreads() throws {
        let (threads, each) = (4, 5000)
        let sequence = try XCTUnwrap(RandomSequence())
        defer { sequence.remove() }
        nonisolated(unsafe) let words = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: threads * each)
        defer { words.deallocate() }
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            for index in 0..<each { words[thread * each + index] = sequence.word() }
        }
        XCTAssertEqual(Set(words).count, threads * each)
    }

    /// Each bit is set half of the time, whatever the lane and the bits beside it.
    func testBits() {
        let draws = 20_000
        var counts = [Int](repeating: 0, count: 192)
        for _ in 0..<draws {
            let (first, second, third) = RandomSequence.words()
            for (lane, word) in [first, second, third].enumerated() {
                for bit in 0..<64 where word >> UInt64(bit) & 1 == 1 { counts[lane * 64 + bit] += 1 }
            }
        }
        // 7 standard deviations.
        let allowed = Int(3.5 * Double(draws).squareRoot())
        for count in counts { XCTAssertLessThan(abs(count - draws / 2), allowed) }
    }
}
