// SPDX-License-Identifier: Apache-2.0
import CSystem

/// When the tool's last heartbeat was recorded, for all its processes: `heartbeat.json` in the state
/// directory, 0600, replaced as a whole.
///
///     {"version":1,"last_ns":1763711841000000000}
package enum HeartbeatFile {
    static let name = "heartbeat.json"
    private static let start = "{\"version\":1,\"last_ns\":"
    private static let limitBytes = 64

    /// 0: there is no file, or it is damaged and will be replaced.
    package static func last(_ options: Options) -> Int64 {
        guard !options.isInMemory, let state = options.stateBase else { return 0 }
        return last(in: .currentDirectory, state + "/" + options.toolName + "/" + name)
    }

    @inline(never)
    static func last(in directory: Descriptor, _ path: String = name) -> Int64 {
        guard let content = try? PrivateFile.read(at: directory, path, limit: limitBytes) else { return 0 }
        return parse(content.bytes)
    }

    /// Accepts only what `write` writes.
    static func parse(_ bytes: [UInt8]) -> Int64 {
        let expected = start.utf8.count
        guard bytes.count > expected, bytes.count <= limitBytes else { return 0 }
        var value: Int64 = 0
        var index = expected
        while index < bytes.count, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowToo) = product.addingReportingOverflow(Int64(bytes[index] &- UInt8(ascii: "0")))
            if overflow || overflowToo { return 0 }
            value = sum
            index &+= 1
        }
        return bytes == text(value) ? value : 0
    }

    /// Not durable: after a power cut there may be one heartbeat more.
    static func write(_ last: Int64, in directory: Descriptor) -> Bool {
        (try? PrivateFile.replace(in: directory, name, text(last), durable: false)) != nil
    }

    private static func text(_ last: Int64) -> [UInt8] { Array((start + last.description + "}\n").utf8) }
}
