// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The attributes of one record, as the functions that record take them. Their texts are in the arena.
final class AttributeGathering {
    static let most = 128
    let arena: TextArena
    private let items: UnsafeMutablePointer<telemetry_attribute>
    private(set) var count = 0
    /// Attributes that were there, without those that have no value.
    private(set) var given = 0
    /// Without extended collection, texts of errors and command lines are not recorded (C6).
    var keepsErrors = false

    init(_ arena: TextArena) {
        self.arena = arena
        items = .allocate(capacity: Self.most)
        items.initialize(repeating: telemetry_attribute(), count: Self.most)
    }

    deinit { items.deallocate() }

    private var inner: AttributeGathering?

    /// An empty one for what is in the record and has attributes too.
    var nested: AttributeGathering {
        let found = inner ?? AttributeGathering(arena)
        inner = found
        found.removeAll()
        found.keepsErrors = keepsErrors
        return found
    }

    /// Of metrics: `digest` tells their streams apart.
    var hasDigest = false
    /// Of all attributes that were there.
    private(set) var digest = StreamDigest()

    var first: UnsafePointer<telemetry_attribute> { UnsafePointer(items) }

    func removeAll() {
        count = 0
        given = 0
        digest = StreamDigest()
    }

    /// Attributes that found no place here.
    var dropped: UInt32 { UInt32(clamping: given &- count) }

    @_optimize(speed)
    func add(_ key: OTLPText, _ value: OTLPValue) {
        if hasDigest { digest.add(key, value) }
        if case .none = value { return }
        if !keepsErrors && ErrorTextKey.contains(key) { return }
        given &+= 1
        guard count < Self.most, let copy = arena.cString(key, Self.keyBytes) else { return }
        var item = telemetry_attribute()
        item.key = copy
        switch value {
        case .none: return
        case .string(let text), .nested(let text):
            guard let text = arena.cString(text, Self.valueBytes) else { return }
            item.set(text)
        case .int(let number): item.set(number)
        case .double(let number): item.set(number)
        case .bool(let flag): item.set(flag)
        }
        items[count] = item
        count &+= 1
    }

    /// More than an event keeps of a key and of a value: redaction looks at what follows too.
    static let keyBytes = 64
    static let valueBytes = 2048
}

/// A value of an attribute. Lists and maps are texts in JSON, bytes are texts in Base64.
enum OTLPValue {
    case none
    case string(OTLPText)
    /// A list, a map or bytes.
    case nested(OTLPText)
    case int(Int64)
    case double(Double)
    case bool(Bool)
}

/// Attributes of OpenTelemetry's conventions that hold what C6 records with extended collection only: texts of errors, and
/// what was typed on a command line.
enum ErrorTextKey {
    private static let keys: [StaticString] = [
        "exception.message", "exception.stacktrace", "error.message", "process.command", "process.command_line",
        "process.command_args",
    ]

    static func contains(_ key: OTLPText) -> Bool {
        // Most keys are told apart by their length or their first letter.
        guard key.count >= 13, key.start[0] == UInt8(ascii: "e") || key.start[0] == UInt8(ascii: "p") else {
            return false
        }
        for word in keys where key.equals(word) { return true }
        return false
    }
}
