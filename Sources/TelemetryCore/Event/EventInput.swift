// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a caller hands over to be recorded. Points into the caller's memory for the length of the call.
struct EventInput {
    var type: Text
    var name: Text
    var errorCategory = Text.empty
    var error = Text.empty
    var arguments: UnsafePointer<UnsafePointer<CChar>?>?
    var argumentCount = 0
    var attributes: UnsafePointer<telemetry_attribute>?
    var attributeCount = 0
    var durationMilliseconds: Int64 = 0
    var exitCode: Int32 = 0
    /// C10: the rules for the attributes; nil: there are no rules.
    var rules: UnsafePointer<RegisteredEvent>?
    /// Bits of the record's flags.
    var flags: UInt16 = 0
    /// The attributes have been redacted already (C7).
    var isRedacted = false
    /// Something was replaced.
    var hasRedaction = false

    static let hasDuration = EventLayout.hasDuration
    static let hasExitCode = EventLayout.hasExitCode
    static let isAdjusted = EventLayout.isAdjusted

    @inline(__always)
    @_optimize(speed)
    init(type: Text, name: Text) {
        self.type = type
        self.name = name
    }

    /// The author wants none of these recorded.
    mutating func leaveOut(_ fields: FieldSet) {
        if fields.isEmpty { return }
        if fields.contains(.duration) {
            durationMilliseconds = 0
            flags &= ~Self.hasDuration
        }
        if fields.contains(.exitCode) {
            exitCode = 0
            flags &= ~Self.hasExitCode
        }
        if fields.contains(.errorCategory) { errorCategory = .empty }
        if fields.contains(.arguments) { (arguments, argumentCount) = (nil, 0) }
        if fields.contains(.error) { error = .empty }
    }

    /// If attributes are counted but missing, they are left out.
    @inline(__always)
    mutating func set(_ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int) {
        self.attributes = attributes
        if attributes != nil {
            attributeCount = count
        } else if count != 0 {
            flags |= Self.isAdjusted
        }
    }
}

/// The sizes of a record's variable parts, measured before room for it is reserved.
struct RecordPlan {
    /// The first four bytes of each attribute as they will be in the record; 0 with a bit in `skipped`.
    let attributeHeaders: UnsafeMutablePointer<UInt32>
    /// Attributes that are left out, by bit.
    var skipped: UInt64 = 0
    /// Attributes with a string that cannot be copied as it is, by bit.
    var repaired: UInt64 = 0
    var attributeCount = 0
    var argumentCount = 0
    /// Bytes of all arguments with their lengths.
    var argumentsLength = 0
    var length = EventLayout.fixedSize
    var isAdjusted = false
    /// Attributes that may hold something to redact, by bit.
    var suspects: UInt64 = 0
    /// Attributes that the registry does not allow.
    var refusedCount = 0
    private let rules: UnsafePointer<RegisteredEvent>?
    /// It is an event, whose fields have names too. A series has none.
    private let hasFields: Bool

    /// A double or an int.
    private static let numberBytes = 8

    /// Holds nothing yet: `measure` fills it in where it lies. It is passed by its address, because it is too large to
    /// be copied for each event.
    @inline(__always)
    @_optimize(speed)
    init(rules: UnsafePointer<RegisteredEvent>?, headers: UnsafeMutablePointer<UInt32>, hasFields: Bool = true) {
        attributeHeaders = headers
        self.rules = rules
        self.hasFields = hasFields
    }

    @inline(__always)
    @_optimize(speed)
    mutating func measure(_ input: EventInput) {
        length &+= input.type.length &+ input.name.length &+ input.errorCategory.length &+ input.error.length
        isAdjusted =
            input.flags & EventInput.isAdjusted != 0 || input.type.isAdjusted || input.name.isAdjusted
            || input.errorCategory.isAdjusted || input.error.isAdjusted
        if input.argumentCount > 0 { measureArguments(input) }
        if let attributes = input.attributes { measureAttributes(attributes, input.attributeCount) }
        if input.isRedacted { suspects = 0 }
    }

    @inline(never)
    private mutating func measureArguments(_ input: EventInput) {
        guard let arguments = input.arguments else {
            isAdjusted = true
            return
        }
        let count = min(input.argumentCount, EventLimits.arguments)
        if count < input.argumentCount { isAdjusted = true }
        for index in 0..<count {
            let text = arguments[index].map { Text($0, limit: EventLimits.argumentBytes) } ?? Text.empty
            if text.isAdjusted { isAdjusted = true }
            guard length &+ 2 &+ text.length <= RecordLayout.maximumSize else {
                isAdjusted = true
                return
            }
            length &+= 2 &+ text.length
            argumentsLength &+= 2 &+ text.length
            argumentCount &+= 1
        }
    }

    @inline(__always)
    @_optimize(speed)
    private mutating func measureAttributes(_ attributes: UnsafePointer<telemetry_attribute>, _ given: Int) {
        let count = min(given, EventLimits.attributes)
        if count < given { isAdjusted = true }
        var index = 0
        while index < count {
            let header = measure(attributes + index, index)
            attributeHeaders[index] = header
            let size = AttributeView.headerSize &+ Int((header >> 8) & 0xFF) &+ Int(header >> 16)
            if header == 0 || length &+ size > RecordLayout.maximumSize {
                skipped |= 1 << UInt64(truncatingIfNeeded: index)
                isAdjusted = true
            } else {
                length &+= size
                attributeCount &+= 1
            }
            index &+= 1
        }
    }

    /// C10: the attribute is left out and counted.
    @inline(never)
    private mutating func refuse() -> UInt32 {
        refusedCount &+= 1
        return 0
    }

    @inline(__always)
    private static func allows(_ rule: UnsafePointer<AttributeRule>, _ attribute: UnsafePointer<telemetry_attribute>)
        -> Bool
    {
        attribute.pointee.type == TELEMETRY_INT
            ? rule.pointee.allows(attribute.pointee.value.integer) : rule.pointee.allows(attribute.pointee.value.number)
    }

    /// Type, key length and value length; 0 to leave it out (a key is never empty).
    @inline(__always)
    @_optimize(speed)
    private mutating func measure(_ attribute: UnsafePointer<telemetry_attribute>, _ index: Int) -> UInt32 {
        guard let keySource = attribute.pointee.key else { return 0 }
        let key = Text(keySource, limit: EventLimits.keyBytes)
        guard key.length > 0,
            !ReservedNames.contains(UnsafeRawBufferPointer(start: key.source, count: key.length))
                || keySource == Sampling.keyPointer || !hasFields
        else { return 0 }
        var rule: UnsafePointer<AttributeRule>?
        if let rules, keySource != Sampling.keyPointer, !TraceMark.isKey(keySource) {
            rule = key.isAdjusted ? nil : rules.pointee.rule(key.source, key.length)
            guard rule?.pointee.type == attribute.pointee.type.rawValue else { return refuse() }
        }
        var isVerbatim = key.isVerbatim
        if key.isAdjusted { isAdjusted = true }
        let type = attribute.pointee.type
        let valueLength: Int
        if type == TELEMETRY_STRING {
            guard let source = attribute.pointee.value.string else { return 0 }
            let value = Text(source, limit: EventLimits.valueBytes)
            if let rule, !rule.pointee.allows(value) { return refuse() }
            if value.isAdjusted { isAdjusted = true }
            isVerbatim = isVerbatim && value.isVerbatim
            if csystem_is_suspect(key.source, key.sourceLength, value.source, value.sourceLength),
                !TraceMark.isKey(keySource)
            {
                suspects |= 1 << UInt64(truncatingIfNeeded: index)
            }
            valueLength = value.length
        } else if type == TELEMETRY_INT || type == TELEMETRY_DOUBLE {
            if let rule, !Self.allows(rule, attribute) { return refuse() }
            valueLength = Self.numberBytes
        } else if type == TELEMETRY_BOOL {
            valueLength = 1
        } else {
            return 0
        }
        if !isVerbatim { repaired |= 1 << UInt64(truncatingIfNeeded: index) }
        return UInt32(truncatingIfNeeded: type.rawValue & 0xFF) | UInt32(truncatingIfNeeded: key.length) << 8
            | UInt32(truncatingIfNeeded: valueLength) << 16
    }
}

extension RecordPlan {
    /// Measures attributes that belong to no event: of a series or of a span. `body` gets the plan while it is valid.
    @inline(__always)
    static func ofAttributes<Result>(
        _ attributes: UnsafePointer<telemetry_attribute>, _ count: Int, _ rules: UnsafePointer<RegisteredEvent>?,
        isRedacted: Bool, _ body: (UnsafePointer<RecordPlan>) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: EventLimits.attributes) { headers in
            var input = EventInput(type: .empty, name: .empty)
            input.set(attributes, count)
            input.isRedacted = isRedacted
            var plan = RecordPlan(rules: rules, headers: headers.baseAddress.unsafelyUnwrapped, hasFields: false)
            plan.measure(input)
            return withUnsafePointer(to: &plan, body)
        }
    }

    /// Bytes of all attributes, for such a plan.
    var attributesLength: Int { length &- EventLayout.fixedSize }
}
