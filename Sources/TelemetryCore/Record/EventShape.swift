// SPDX-License-Identifier: Apache-2.0

/// How an author wants events on a receiver's wire: which names, in which order, and where their values come from
/// (docs/backends.md, "The shape of an event"). What is not in it is not sent.
package final class EventShape {
    enum Source {
        case field(EventField)
        /// The event's or the tool's own attribute of this key.
        case attribute([UInt8])
        case text([UInt8])
        case constant(AttributeView.Value)
        case object([Member])
    }

    struct Member {
        let name: [UInt8]
        let source: Source
    }

    let members: [Member]
    /// A request for erasure always says what it is, and whose events are meant.
    private let ofErasure: [Member]
    /// The fields that are in it.
    let fields: FieldSet

    init(_ members: [Member]) {
        self.members = members
        let (type, machineID) = (Array("type".utf8), Array("machine_id".utf8))
        ofErasure =
            members.filter { $0.name != type && $0.name != machineID } + [
                Member(name: type, source: .field(.type)), Member(name: machineID, source: .field(.machineID)),
            ]
        var fields = FieldSet()
        Self.collect(members, &fields)
        self.fields = fields
    }

    private static func collect(_ members: [Member], _ fields: inout FieldSet) {
        for member in members {
            switch member.source {
            case .field(let field): fields.insert(field)
            case .object(let inner): collect(inner, &fields)
            default: break
            }
        }
    }

    @inline(never)
    func members(of event: RecordView) -> [Member] {
        EventSchema.isDeletionRequest(event.type) ? ofErasure : members
    }

    /// One of the outermost names.
    func has(_ name: StaticString) -> Bool { members.contains { $0.name.elementsEqual(name.rawBytes) } }
}

/// The value of a member for one event.
enum ShapedValue {
    /// The event has no such field: the member is left out.
    case none
    case plain(AttributeView.Value)
    /// A text that is not in the record.
    case text([UInt8])
    /// Nanoseconds since 1970-01-01 UTC.
    case time(Int64)
    case arguments
    case metadata
    case object([EventShape.Member])

    init(_ source: EventShape.Source, _ event: RecordView) {
        switch source {
        case .field(let field): self.init(field, event)
        case .attribute(let key): self.init(attribute: key, event)
        case .text(let text): self = .text(text)
        case .constant(let value): self = .plain(value)
        case .object(let members):
            let isEmpty = members.allSatisfy { ShapedValue($0.source, event).isNone }
            self = isEmpty ? .none : .object(members)
        }
    }

    var isNone: Bool {
        if case .none = self { return true }
        return false
    }

    var isObject: Bool {
        switch self {
        case .metadata, .object: true
        default: false
        }
    }

    private init(_ field: EventField, _ event: RecordView) {
        switch field {
        case .machineID: self.init(event.context.machineID)
        case .version: self.init(event.context.toolVersion)
        case .os: self.init(event.context.os)
        case .arch: self.init(event.context.arch)
        case .osVersion: self.init(event.context.osVersion)
        case .runtime: self.init(event.context.runtime)
        case .duration: self.init(event.durationMilliseconds)
        case .exitCode: self.init(event.exitCode.map { Int64($0) })
        case .errorCategory: self.init(event.errorCategory)
        case .arguments: self = event.argumentCount > 0 ? .arguments : .none
        case .error: self.init(event.error)
        case .schemaVersion: self = .plain(.int(Int64(event.schemaVersion)))
        case .eventID: self = .text(Array(UUIDText.string(event.eventID).utf8))
        case .timestamp: self = .time(event.timestamp)
        case .type: self.init(event.type)
        case .name: self.init(event.name)
        case .toolName: self.init(event.context.toolName)
        case .metadata:
            var isEmpty = true
            event.forEachMergedAttribute { _ in isEmpty = false }
            self = isEmpty ? .none : .metadata
        case .commandPath: self = .text(Array(event.context.toolName) + [0x20] + Array(event.name))
        case .goArch: self = event.context.arch.isEmpty ? .none : .text(Self.goArch(Array(event.context.arch)))
        }
    }

    private init(_ text: UnsafeRawBufferPointer) { self = text.isEmpty ? .none : .plain(.string(text)) }

    private init(_ number: Int64?) { self = number.map { .plain(.int($0)) } ?? .none }

    private init(attribute key: [UInt8], _ event: RecordView) {
        var found = ShapedValue.none
        event.forEachMergedAttribute { if $0.key.elementsEqual(key) { found = .plain($0.value) } }
        self = found
    }

    /// The names of Go's GOARCH, where they differ from those of uname(2).
    private static func goArch(_ machine: [UInt8]) -> [UInt8] {
        let name = String(bytes: machine)
        switch name {
        case "x86_64": return Array("amd64".utf8)
        case "aarch64": return Array("arm64".utf8)
        case "loongarch64": return Array("loong64".utf8)
        case "i386", "i486", "i586", "i686": return Array("386".utf8)
        default: return machine.starts(with: "armv".utf8) ? Array("arm".utf8) : machine
        }
    }
}

/// The digits that the text of a time has behind its seconds.
package enum TimestampDigits: Int {
    case nanoseconds, milliseconds, seconds

    static let words: StaticString = "nanoseconds milliseconds seconds"

    /// How many bytes shorter the text is, which always ends in `Z`.
    var cut: Int {
        switch self {
        case .nanoseconds: 0
        case .milliseconds: 6
        case .seconds: 10
        }
    }

    /// Shortens a text that has all nine.
    func shorten(_ text: [UInt8]) -> [UInt8] { cut == 0 ? text : text.dropLast(cut + 1) + [UInt8(ascii: "Z")] }
}

/// What an author says of the events on one backend's wire.
package struct EventForm {
    /// Nil: all fields, by their own names.
    var shape: EventShape?
    var digits = TimestampDigits.nanoseconds

    package init(shape: EventShape? = nil, digits: TimestampDigits = .nanoseconds) {
        self.shape = shape
        self.digits = digits
    }

    /// The field is sent.
    @inline(__always)
    func has(_ field: EventField) -> Bool { shape?.fields.contains(field) ?? true }
}
