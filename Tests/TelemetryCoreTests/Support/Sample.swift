import CSystem

@testable import TelemetryCore

/// Events as the library itself records them.
enum Sample {
    static let context: ContextBlock = {
        var block = ContextBlock()
        block.add(.toolName, "mytool")
        block.add(.toolVersion, "1.2.3")
        block.add(key: "channel", .string("beta"))
        return block
    }()

    /// The same tool after an update: its events do not fit into the other's segments.
    static let otherContext: ContextBlock = {
        var block = ContextBlock()
        block.add(.toolName, "mytool")
        block.add(.toolVersion, "1.2.4")
        return block
    }()

    /// Memory only; released by the caller.
    static func heapSegment(size: Int = 1 << 18, _ names: [String] = []) -> Segment {
        let segment = Segment.createHeap(size: size, epoch: 1, context: context, address: nil)!
        for name in names { record(name, in: segment) }
        return segment
    }

    /// False: there is no room for it.
    @discardableResult
    static func record(_ name: String, in segment: Segment, now: Int64 = Clock.realtime(), padding: Int = 0) -> Bool {
        let list = AttributeList(padding == 0 ? [] : [("padding", .string(String(repeating: "x", count: padding)))])
        return name.withCString { name in
            "feature.used".withCString { type in
                list.items.withUnsafeBufferPointer { items in
                    var input = EventInput(type: Text(type, limit: 64), name: Text(name, limit: 256))
                    input.attributes = items.baseAddress
                    input.attributeCount = items.count
                    return record(input, in: segment, now: now)
                }
            }
        }
    }

    static func record(_ input: EventInput, in segment: Segment, now: Int64 = Clock.realtime()) -> Bool {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: EventLimits.attributes) { headers in
            var plan = RecordPlan(rules: input.rules, headers: headers.baseAddress!)
            plan.measure(input)
            return Recorder.record(input, &plan, now: now, in: segment.base, capacity: segment.size)
        }
    }

    /// Reserves room for a record that is never written: what a process leaves that dies in the middle.
    @discardableResult
    static func tear(_ segment: Segment, size: Int = 128, committed: Bool = true) -> Int {
        let offset = StateWord.reserve(segment.base, size: size, capacity: segment.size)
        if committed { StateWord.commit(segment.base) }
        return offset
    }

    /// The names of the events that are left to deliver.
    static func names(_ segment: Segment) -> [String] {
        var reader = SegmentReader(segment)
        var result: [String] = []
        while let event = reader.next() { result.append(text(event.name)) }
        return result
    }

    static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension Segment.Claim {
    var segment: Segment? {
        if case .taken(let segment) = self { return segment }
        return nil
    }

    var isUnavailable: Bool {
        if case .unavailable = self { return true }
        return false
    }

    /// The count of a damaged file, whose lock is let go of.
    func damagedCount() -> Int? {
        guard case .damaged(let file, let count) = self else { return nil }
        ForkHandling.closeHeld(file)
        return count
    }
}

/// How many files this process has open.
func openDescriptorCount() -> Int {
    guard let directory = try? Descriptor.open("/proc/self/fd", O_RDONLY | O_DIRECTORY) else { return -1 }
    defer { directory.close() }
    var count = 0
    Directory.forEachName(in: directory) { _ in count += 1 }
    return count
}
