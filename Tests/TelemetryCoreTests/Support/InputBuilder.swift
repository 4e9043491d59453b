import CSystem

@testable import TelemetryCore

/// An event as C hands it over: bytes that need not be UTF-8, NULL where a string should be.
final class InputBuilder {
    private var areas: [UnsafeMutablePointer<CChar>] = []
    private var arguments: [UnsafePointer<CChar>?] = []
    private var attributes: [telemetry_attribute] = []
    private let type: UnsafePointer<CChar>
    private let name: UnsafePointer<CChar>
    var category: [UInt8]?
    var error: [UInt8]?
    var duration: Int64?
    var exitCode: Int32?

    init(type: String = "feature.used", name: String = "search") {
        let both = [strdup(type)!, strdup(name)!]
        areas = both
        (self.type, self.name) = (UnsafePointer(both[0]), UnsafePointer(both[1]))
    }

    deinit { areas.forEach { free($0) } }

    /// Ends with a NUL; may be written to until the builder is gone.
    @discardableResult
    func keep(_ bytes: [UInt8]) -> UnsafeMutablePointer<CChar> {
        let area = malloc(bytes.count + 1)!
        area.copyMemory(from: bytes, byteCount: bytes.count)
        area.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
        areas.append(area.assumingMemoryBound(to: CChar.self))
        return areas[areas.count - 1]
    }

    @discardableResult
    func argument(_ bytes: [UInt8]?) -> UnsafeMutablePointer<CChar>? {
        let kept = bytes.map { keep($0) }
        arguments.append(kept.map { UnsafePointer($0) })
        return kept
    }

    private func attribute(
        _ key: [UInt8]?, _ type: telemetry_attribute_type, _ set: (inout telemetry_attribute) -> Void
    ) {
        var item = telemetry_attribute()
        item.key = key.map { UnsafePointer(keep($0)) }
        item.type = type
        set(&item)
        attributes.append(item)
    }

    @discardableResult
    func string(_ key: String?, _ value: [UInt8]?) -> UnsafeMutablePointer<CChar>? {
        string(key.map { Array($0.utf8) }, value)
    }

    @discardableResult
    func string(_ key: [UInt8]?, _ value: [UInt8]?) -> UnsafeMutablePointer<CChar>? {
        let kept = value.map { keep($0) }
        attribute(key, TELEMETRY_STRING) { $0.value.string = kept.map { UnsafePointer($0) } }
        return kept
    }

    func int(_ key: String, _ value: Int64) { attribute(Array(key.utf8), TELEMETRY_INT) { $0.value.integer = value } }
    func double(_ key: String, _ value: Double) {
        attribute(Array(key.utf8), TELEMETRY_DOUBLE) { $0.value.number = value }
    }
    func bool(_ key: String, _ value: Bool) { attribute(Array(key.utf8), TELEMETRY_BOOL) { $0.value.boolean = value } }
    func unknown(_ key: String, type: UInt32) {
        attribute(Array(key.utf8), telemetry_attribute_type(rawValue: type)) { $0.value.integer = 1 }
    }

    func withInput<R>(_ body: (EventInput) -> R) -> R {
        var input = EventInput(
            type: Text(type, limit: EventLimits.typeBytes), name: Text(name, limit: EventLimits.nameBytes))
        if let category { input.errorCategory = Text(keep(category), limit: EventLimits.categoryBytes) }
        if let error { input.error = Text(keep(error), limit: EventLimits.errorBytes) }
        if let duration { (input.durationMilliseconds, input.flags) = (duration, input.flags | EventInput.hasDuration) }
        if let exitCode { (input.exitCode, input.flags) = (exitCode, input.flags | EventInput.hasExitCode) }
        return attributes.withUnsafeBufferPointer { attributes in
            arguments.withUnsafeBufferPointer { arguments in
                input.attributes = attributes.baseAddress
                input.attributeCount = attributes.count
                input.arguments = arguments.baseAddress
                input.argumentCount = arguments.count
                return body(input)
            }
        }
    }
}

/// What can be read of a recorded event.
struct Seen: Equatable {
    var type = ""
    var name = ""
    var category = ""
    var error = ""
    var arguments: [String] = []
    /// `key=value`
    var attributes: [String] = []
    var duration: Int64?
    var exitCode: Int32?
    var timestamp: Int64 = 0
    var schema = 0

    init(_ event: RecordView) {
        type = Sample.text(event.type)
        name = Sample.text(event.name)
        category = Sample.text(event.errorCategory)
        error = Sample.text(event.error)
        event.forEachArgument { arguments.append(Sample.text($0)) }
        event.forEachAttribute { attributes.append(Sample.text($0.key) + "=" + Self.text($0.value)) }
        (duration, exitCode) = (event.durationMilliseconds, event.exitCode)
        (timestamp, schema) = (event.timestamp, event.schemaVersion)
    }

    private static func text(_ value: AttributeView.Value) -> String {
        switch value {
        case .string(let bytes): Sample.text(bytes)
        case .int(let number): "\(number)i"
        case .double(let number): "\(number)d"
        case .bool(let flag): "\(flag)"
        }
    }
}
