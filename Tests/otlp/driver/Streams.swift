// SPDX-License-Identifier: Apache-2.0
import CSystem

enum Input {
    /// Nil: there is no more.
    static func line() -> [UInt8]? {
        var line: [UInt8] = []
        while let byte = bytes(1)?.first {
            if byte == 0x0A { return line }
            line.append(byte)
        }
        return nil
    }

    static func bytes(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: max(0, count))
        var done = 0
        while done < bytes.count {
            let got = bytes.withUnsafeMutableBytes { area -> Int in
                guard let base = area.baseAddress else { return 0 }
                return CSystem.read(STDIN_FILENO, base + done, area.count - done)
            }
            if got < 0 && csystem_errno() == EINTR { continue }
            if got <= 0 { return nil }
            done += got
        }
        return bytes
    }
}

enum Output {
    static func write(_ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes { area -> Int in
                guard let base = area.baseAddress else { return 0 }
                return CSystem.write(STDOUT_FILENO, base + done, area.count - done)
            }
            if put < 0 && csystem_errno() == EINTR { continue }
            if put <= 0 { return false }
            done += put
        }
        return true
    }
}
