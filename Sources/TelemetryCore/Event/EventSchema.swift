/// C1, C2: the types of event that are known, and what a type may look like.
enum EventSchema {
    static let version = 1

    static let commandInvocation: StaticString = "command.invocation"
    static let commandError: StaticString = "command.error"
    static let featureUsed: StaticString = "feature.used"
    static let updateCheck: StaticString = "update.check"
    static let updateApplied: StaticString = "update.applied"
    static let dataDeletionRequest: StaticString = "data.deletion_request"

    static let typeLimitBytes = 64

    /// 1 to 64 bytes of letters, digits, '.', '_' and '-'. No branch within the loop: this runs for
    /// every event, on 10 to 20 bytes.
    static func isValidType(_ type: UnsafeRawBufferPointer) -> Bool {
        guard let base = type.baseAddress, type.count &- 1 < typeLimitBytes, type.count > 0 else { return false }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        var valid: UInt64 = 1
        for index in 0..<type.count {
            let byte = bytes[index]
            let half = byte < 64 ? lowerHalf : upperHalf
            valid &= byte < 128 ? half >> UInt64(byte & 63) : 0
        }
        return valid & 1 == 1
    }

    /// Bit n: ASCII n is allowed. '-' '.' '0'...'9'.
    private static let lowerHalf: UInt64 = 0x03FF_6000_0000_0000
    /// Bit n: ASCII 64 + n is allowed. 'A'...'Z' '_' 'a'...'z'.
    private static let upperHalf: UInt64 = 0x07FF_FFFE_87FF_FFFE
}
