// SPDX-License-Identifier: Apache-2.0

/// C8, C11: the names of the event's own fields, and of the mark of a sampled event. No attribute may take them.
enum ReservedNames {
    /// Runs for every attribute of every event: most keys are told apart by length and first byte.
    @_optimize(speed)
    static func contains(_ key: UnsafeRawBufferPointer) -> Bool {
        switch key.count {
        case 2: matches(key, "os")
        case 4: matches(key, "type") || matches(key, "name") || matches(key, "arch") || matches(key, "args")
        case 5: matches(key, "error")
        case 7: matches(key, "version") || matches(key, "runtime")
        case 8: matches(key, "event_id") || matches(key, "metadata")
        case 9: matches(key, "timestamp") || matches(key, "tool_name") || matches(key, "exit_code")
        case 10: matches(key, "machine_id") || matches(key, "os_version")
        case 11: matches(key, "duration_ms") || matches(key, "sample_rate")
        case 14: matches(key, "schema_version") || matches(key, "error_category")
        default: false
        }
    }

    /// `name` has the length of `key`.
    @inline(__always)
    private static func matches(_ key: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        guard let base = key.baseAddress, name.utf8CodeUnitCount == key.count else { return false }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        let expected = name.utf8Start
        var index = 0
        while index < key.count && bytes[index] == expected[index] { index &+= 1 }
        return index == key.count
    }
}
