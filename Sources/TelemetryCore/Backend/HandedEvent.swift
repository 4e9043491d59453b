// SPDX-License-Identifier: Apache-2.0
import CSystem

/// An event in the hands of a program's callback. Its texts end in NUL and live as long as the batch is there.
package struct HandedEvent {
    private let event: RecordView
    private let texts: HandedTexts

    package init(_ handle: UnsafePointer<telemetry_event>) {
        event = handle.pointee.record.assumingMemoryBound(to: RecordView.self).pointee
        texts = Unmanaged<HandedTexts>.fromOpaque(handle.pointee.texts).takeUnretainedValue()
    }

    static func withEach<R>(
        of events: UnsafeBufferPointer<RecordView>, _ body: (UnsafePointer<UnsafePointer<telemetry_event>?>?) -> R
    ) -> R {
        let texts = HandedTexts()
        let shared = Unmanaged.passUnretained(texts).toOpaque()
        let handles = events.indices.map { index in
            telemetry_event(record: events.baseAddress.map { UnsafeRawPointer($0 + index) }, texts: shared)
        }
        return withExtendedLifetime(texts) {
            handles.withUnsafeBufferPointer { handles in
                let pointers: [UnsafePointer<telemetry_event>?] = handles.indices.map { index in
                    handles.baseAddress.map { $0 + index }
                }
                return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
            }
        }
    }

    /// A member of the event as JSON. `TELEMETRY_ERROR_ARGUMENT`: no event has one of that name.
    @inline(never)
    package func field(_ name: String, _ value: UnsafeMutablePointer<telemetry_attribute>) -> telemetry_status {
        let context = event.context
        switch name {
        case "schema_version": return give(Int64(event.schemaVersion), value)
        case "timestamp": return give(event.timestamp, value)
        case "timestamp_text": return give(text: Timestamp.text(event.timestamp), value)
        case "event_id": return give(text: UUIDText.string(event.eventID), value)
        case "type": return give(event.type, value)
        case "name": return give(event.name, value)
        case "machine_id": return present(context.machineID, value)
        case "tool_name": return give(context.toolName, value)
        case "version": return present(context.toolVersion, value)
        case "os": return present(context.os, value)
        case "os_version": return present(context.osVersion, value)
        case "arch": return present(context.arch, value)
        case "runtime": return present(context.runtime, value)
        case "duration_ms": return give(event.durationMilliseconds, value)
        case "exit_code": return give(event.exitCode.map { Int64($0) }, value)
        case "error_category": return present(event.errorCategory, value)
        case "error": return present(event.error, value)
        default: return TELEMETRY_ERROR_ARGUMENT
        }
    }

    /// With the tool's metadata.
    package var attributeCount: Int {
        var count = 0
        event.forEachMergedAttribute { _ in count &+= 1 }
        return count
    }

    @inline(never)
    package func attribute(_ index: Int, _ target: UnsafeMutablePointer<telemetry_attribute>) -> telemetry_status {
        var position = 0
        var found: AttributeView?
        event.forEachMergedAttribute {
            if position == index { found = $0 }
            position &+= 1
        }
        guard let found else { return TELEMETRY_ABSENT }
        guard let key = texts.copy(found.key) else { return TELEMETRY_ERROR_MEMORY }
        target.pointee.key = key
        switch found.value {
        case .string(let text): return give(text, target)
        case .int(let number): return give(number, target)
        case .double(let number):
            target.pointee.type = TELEMETRY_DOUBLE
            target.pointee.value.number = number
        case .bool(let flag):
            target.pointee.type = TELEMETRY_BOOL
            target.pointee.value.boolean = flag
        }
        return TELEMETRY_OK
    }

    package var argumentCount: Int { event.argumentCount }

    /// Nil: there is none, or no memory.
    package func argument(_ index: Int) -> UnsafePointer<CChar>? {
        var position = 0
        var found: UnsafeRawBufferPointer?
        event.forEachArgument {
            if position == index { found = $0 }
            position &+= 1
        }
        return found.flatMap { texts.copy($0) }
    }

    private func give(_ number: Int64?, _ value: UnsafeMutablePointer<telemetry_attribute>) -> telemetry_status {
        guard let number else { return TELEMETRY_ABSENT }
        value.pointee.type = TELEMETRY_INT
        value.pointee.value.integer = number
        return TELEMETRY_OK
    }

    private func present(
        _ text: UnsafeRawBufferPointer, _ value: UnsafeMutablePointer<telemetry_attribute>
    ) -> telemetry_status {
        text.isEmpty ? TELEMETRY_ABSENT : give(text, value)
    }

    private func give(text: String, _ value: UnsafeMutablePointer<telemetry_attribute>) -> telemetry_status {
        Array(text.utf8).withUnsafeBytes { give($0, value) }
    }

    private func give(_ text: UnsafeRawBufferPointer, _ value: UnsafeMutablePointer<telemetry_attribute>)
        -> telemetry_status
    {
        guard let copy = texts.copy(text) else { return TELEMETRY_ERROR_MEMORY }
        value.pointee.type = TELEMETRY_STRING
        value.pointee.value.string = copy
        return TELEMETRY_OK
    }
}

/// Texts as a program gets them. One thread at a time.
private final class HandedTexts {
    private var copies: [UnsafeMutablePointer<CChar>] = []

    /// Nil: there is no memory.
    func copy(_ text: UnsafeRawBufferPointer) -> UnsafePointer<CChar>? {
        guard Allocation.isAvailable(for: text.count &+ 1) else { return nil }
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count &+ 1)
        if let source = text.baseAddress { memcpy(copy, source, text.count) }
        copy[text.count] = 0
        copies.append(copy)
        return UnsafePointer(copy)
    }

    deinit { for copy in copies { copy.deallocate() } }
}
