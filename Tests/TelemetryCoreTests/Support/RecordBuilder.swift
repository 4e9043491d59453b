import CSystem

@testable import TelemetryCore

/// What a record is made of, by hand.
protocol RecordBytes {
    func bytes() -> [UInt8]
}

/// Records made by hand from docs/spool-format.md, "Records"; independent of the library's encoder.
/// The checksum is left 0: a view does not look at it.
struct RecordBuilder: RecordBytes {
    enum Value {
        case string([UInt8])
        case int(Int64)
        case double(Double)
        case bool(Bool)
    }

    var type = Array("feature.used".utf8)
    var name = Array("search".utf8)
    var errorCategory: [UInt8] = []
    var error: [UInt8] = []
    var arguments: [[UInt8]] = []
    var attributes: [(key: [UInt8], value: Value)] = []
    var timestamp: Int64 = 1_778_596_245_123_456_789
    var eventID: [UInt8] = (1...16).map { UInt8($0) }
    var duration: Int64?
    var exitCode: Int32?

    func bytes() -> [UInt8] {
        let variable =
            type + name + errorCategory + error + arguments.flatMap { Self.raw(UInt16($0.count)) + $0 }
            + attributes.flatMap { Self.attribute($0.key, $0.value) }
        var record = Self.raw(UInt32(0x5EED)) + Self.raw(UInt32(0)) + Self.raw(UInt32(64 + variable.count))
        record += Self.raw(UInt16((duration == nil ? 0 : 1) | (exitCode == nil ? 0 : 2))) + Self.raw(UInt16(1))
        record += Self.raw(timestamp) + eventID + Self.raw(duration ?? 0) + Self.raw(exitCode ?? 0)
        for count in [type.count, name.count, errorCategory.count, error.count, arguments.count, attributes.count] {
            record += Self.raw(UInt16(count))
        }
        return record + variable
    }

    static func attribute(_ key: [UInt8], _ value: Value) -> [UInt8] {
        let (type, bytes): (UInt8, [UInt8]) =
            switch value {
            case .string(let text): (0, text)
            case .int(let number): (1, raw(number))
            case .double(let number): (2, raw(number))
            case .bool(let flag): (3, [flag ? 1 : 0])
            }
        return [type, UInt8(key.count)] + raw(UInt16(bytes.count)) + key + bytes
    }

    static func raw<T>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
}

/// Views of built records, and the memory they point into.
final class Batch {
    private var areas: [UnsafeMutableRawBufferPointer] = []
    private(set) var views: [RecordView] = []
    var context: EventContext { place.pointee }
    private let place = UnsafeMutablePointer<EventContext>.allocate(capacity: 1)

    init(
        _ builders: [any RecordBytes], metadata: [(key: [UInt8], value: RecordBuilder.Value)] = [],
        identity: String = "00ff"
    ) {
        var areas: [UnsafeMutableRawBufferPointer] = []
        func keep(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
            let area = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 8)
            area.copyBytes(from: bytes)
            areas.append(area)
            return UnsafeRawBufferPointer(rebasing: area[..<bytes.count])
        }
        place.initialize(
            to: EventContext(
                toolName: keep(Array("mytool".utf8)), toolVersion: keep(Array("1.2.3".utf8)),
                os: keep(Array("linux".utf8)),
                osVersion: keep(Array("12".utf8)), arch: keep(Array("x86_64".utf8)), runtime: keep(Array("c".utf8)),
                machineID: keep(Array(identity.utf8)),
                metadata: keep(metadata.flatMap { RecordBuilder.attribute($0.key, $0.value) }),
                metadataCount: metadata.count))
        for builder in builders {
            guard let view = RecordView(record: keep(builder.bytes()), context: place) else {
                fatalError("record is malformed")
            }
            views.append(view)
        }
        self.areas = areas
    }

    /// `count` events that differ in id and name.
    convenience init(count: Int, from first: Int = 0, padding: Int = 0) {
        self.init(
            (first..<first + count).map { number in
                var builder = RecordBuilder()
                builder.name = Array("event-\(number)".utf8)
                withUnsafeBytes(of: UInt64(number).bigEndian) { builder.eventID.replaceSubrange(8..<16, with: $0) }
                if padding > 0 {
                    builder.attributes = [(Array("padding".utf8), .string([UInt8](repeating: 0x78, count: padding)))]
                }
                return builder
            })
    }

    deinit {
        areas.forEach { $0.deallocate() }
        place.deallocate()
    }

    func send(
        to backend: any Backend, _ control: SendControl = SendControl(deadline: Deadline(timeoutMilliseconds: 5000))
    ) -> Outcome {
        views.withUnsafeBufferPointer { backend.send($0, control) }
    }
}
