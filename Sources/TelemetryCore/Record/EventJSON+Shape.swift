// SPDX-License-Identifier: Apache-2.0

// An event in the shape that its author has chosen for a receiver.
extension EventJSON {
    /// The members alone, inside an object.
    @inline(never)
    mutating func writeMembers(_ shape: EventShape, _ event: RecordView) {
        writeMembers(shape.members(of: event), event, isOuter: true)
    }

    /// Of a row, only what is not inside of another object is a text.
    private mutating func writeMembers(_ members: [EventShape.Member], _ event: RecordView, isOuter: Bool) {
        for member in members {
            let value = ShapedValue(member.source, event)
            if value.isNone { continue }
            if case .plain(let value) = value {
                member.name.withUnsafeBytes { write($0, value) }
                continue
            }
            member.name.withUnsafeBytes { json.key($0) }
            let start = json.buffer.count
            switch value {
            case .none, .plain: break
            case .text(let text): text.withUnsafeBytes { json.string($0) }
            case .time(let time): writeTimeValue(time)
            case .arguments: writeArgumentList(event)
            case .metadata:
                json.beginObject()
                event.forEachMergedAttribute { write($0.key, $0.value) }
                json.endObject()
            case .object(let inner):
                json.beginObject()
                writeMembers(inner, event, isOuter: false)
                json.endObject()
            }
            if isRow && isOuter && value.isObject { quote(from: start) }
        }
    }

    @inline(never)
    private mutating func write(_ name: UnsafeRawBufferPointer, _ value: AttributeView.Value) {
        json.key(name)
        json.value(value)
    }
}
