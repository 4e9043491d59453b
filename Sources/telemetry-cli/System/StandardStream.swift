// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The three streams every program has.
enum StandardStream {
    /// Writes all of it; 0 or errno. A reader that has gone ends the program with SIGPIPE, as it should.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        bytes.withUnsafeBytes { area -> Int32 in
            guard let base = area.baseAddress else { return 0 }
            var done = 0
            while done < area.count {
                let count = CSystem.write(descriptor, base + done, area.count - done)
                if count >= 0 { done += count } else if csystem_errno() != EINTR { return csystem_errno() }
            }
            return 0
        }
    }

    /// One line of an error or a warning.
    static func complain(_ message: String) {
        _ = write(Array(ShownText.lines("telemetry: " + message + "\n").utf8), to: STDERR_FILENO)
    }

    /// Standard input to its end; nil when it cannot be read or is longer than `limit`.
    static func readInput(limit: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= limit {
            let count = chunk.withUnsafeMutableBytes { CSystem.read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count > 0 {
                bytes.append(contentsOf: chunk.prefix(count))
            } else if csystem_errno() != EINTR {
                return nil
            }
        }
        return nil
    }
}
