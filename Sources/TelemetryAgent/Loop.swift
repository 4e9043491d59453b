// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Something that the loop waits for: a descriptor, a time, or both. Nothing that it does waits.
package protocol PolledSource: AnyObject {
    /// -1: there is only a time.
    var descriptor: Int32 { get }
    /// As poll(2) takes them; 0: it is not looked at now.
    var events: Int16 { get }
    /// When `expire` is due, by the monotonic clock; `Int64.max`: never.
    var deadline: Int64 { get }
    /// The loop forgets it.
    var isOver: Bool { get }
    func proceed(_ events: Int16, now: Int64)
    func expire(now: Int64)
}

/// A time, for the loop. The turn ends then, and what has set it looks.
package final class LoopTimer: PolledSource {
    package let descriptor: Int32 = -1
    package let events: Int16 = 0
    package var deadline = Int64.max
    package var isOver = false

    package init() {}

    package func proceed(_ events: Int16, now: Int64) {}
    package func expire(now: Int64) { deadline = .max }
}

/// One poll(2) over everything that the agent waits for. If nothing is due and nothing comes, the process sleeps.
package final class Loop {
    private var sources: [any PolledSource] = []
    private var polled: [pollfd] = []
    /// Whose these are.
    private var owners: [Int] = []

    package init() {}

    package func add(_ source: any PolledSource) { sources.append(source) }

    /// Waits until something is there or due, and has each source go on that this concerns.
    package func turn() {
        polled.removeAll(keepingCapacity: true)
        owners.removeAll(keepingCapacity: true)
        var next = Int64.max
        // poll(2) takes no more entries than this process may have files open.
        for (index, source) in sources.enumerated() {
            let events = source.events
            if events != 0 && source.descriptor >= 0 {
                polled.append(pollfd(fd: source.descriptor, events: events, revents: 0))
                owners.append(index)
            }
            next = min(next, source.deadline)
        }
        let count = sources.count
        let timeout = Self.milliseconds(until: next)
        let found = polled.withUnsafeMutableBufferPointer { poll($0.baseAddress, nfds_t($0.count), timeout) }
        // It says so at once, for want of memory for instance.
        if found < 0 && csystem_errno() != EINTR { _ = poll(nil, 0, 10) }
        let now = Clock.monotonic()
        var at = 0
        // Those that are added meanwhile are at the end.
        for index in 0..<min(count, sources.count) {
            let source = sources[index]
            var happened: Int16 = 0
            if at < owners.count, owners[at] == index {
                happened = polled[at].revents
                at &+= 1
            }
            if happened != 0 { source.proceed(happened, now: now) }
            if !source.isOver && source.deadline <= now { source.expire(now: now) }
        }
        sources.removeAll { $0.isOver }
    }

    private static func milliseconds(until deadline: Int64) -> Int32 {
        if deadline == .max { return -1 }
        let left = deadline &- Clock.monotonic()
        return left <= 0 ? 0 : Int32(clamping: (left &+ 999_999) / 1_000_000)
    }
}
