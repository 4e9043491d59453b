// SPDX-License-Identifier: Apache-2.0
import CSystem

extension Descriptor {
    /// Writes what it can of `bytes` until `shouldStop`, without ever blocking for long: a pipe whose reader has
    /// stopped reading takes nothing, and the host must not wait for it. Returns how much was written; less than all
    /// with a nil error: stopped.
    func writeBounded(
        _ bytes: UnsafeRawBufferPointer, shouldStop: () -> Bool
    ) -> (written: Int, error: SystemError?) {
        guard let base = bytes.baseAddress else { return (0, nil) }
        let isFile = self.isFile
        let step = isFile ? bytes.count : Int(PIPE_BUF)
        var done = 0
        while done < bytes.count {
            // A pipe that poll(2) calls writable takes PIPE_BUF bytes at once (pipe(7)).
            if !isFile && !waitWritable() {
                if shouldStop() { return (done, nil) }
                continue
            }
            let n = SystemCall.write.once { CSystem.write(raw, base + done, min(step, bytes.count - done)) }
            if n >= 0 {
                done += n
            } else if csystem_errno() == EAGAIN {
                if shouldStop() { return (done, nil) }
                Clock.sleep(nanoseconds: 1_000_000)
            } else if csystem_errno() != EINTR {
                return (done, .current)
            }
        }
        return (done, nil)
    }

    private var isFile: Bool { (try? status())?.isRegularFile ?? false }

    /// Waits for at most 5 ms. True also when a write would fail at once.
    private func waitWritable() -> Bool {
        var entry = pollfd(fd: raw, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, 5) > 0
    }
}
