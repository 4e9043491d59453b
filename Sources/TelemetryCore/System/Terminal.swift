// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The terminal that a person sits at, as it was found: no mode is changed and no signal handled.
enum Terminal {
    /// Longest line of a terminal in canonical mode, termios(3).
    private static let lineLimit = 4096

    /// Someone can be asked: standard input and error are terminals, and this process group is in the foreground.
    /// Otherwise a read would stop it (POSIX, General Terminal Interface, 11.1.4).
    static var canAsk: Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 && tcgetpgrp(STDIN_FILENO) == getpgrp()
    }

    /// Writes to standard error, all of it.
    static func show(_ text: String) throws(SystemError) {
        let bytes = Array(text.utf8)
        let error = bytes.withUnsafeBytes { Descriptor(raw: STDERR_FILENO).writeBounded($0) { false }.error }
        if let error { throw error }
    }

    /// Forgets what was typed before everything that was written has reached the terminal: it cannot be an answer.
    static func discardInput() {
        tcdrain(STDERR_FILENO)
        tcflush(STDIN_FILENO, TCIFLUSH)
    }

    /// One line of standard input, byte by byte, so that what was typed beyond it is left to the program. Nil: there is
    /// no line, but the end, a hangup, an interruption, or a line that is too long.
    static func readLine(after question: String) throws(SystemError) -> [UInt8]? {
        // Begins before the question: a signal that comes as soon as the question can be read is an answer to it.
        let pause = Interruption()
        defer { pause.end() }
        try show(question)
        var line: [UInt8] = []
        while line.count < lineLimit, let byte = readByte(pause) {
            switch byte {
            // A terminal in raw mode sends what was typed: carriage return, and Ctrl-C and Ctrl-D as bytes.
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): return line
            case 0x03, 0x04: return nil
            default: line.append(byte)
            }
        }
        return nil
    }

    /// Nil also when a signal came that means the end and that the program handles.
    private static func readByte(_ pause: Interruption) -> UInt8? {
        var byte: UInt8 = 0
        while pause.waitForInput() {
            let got = read(STDIN_FILENO, &byte, 1)
            if got == 1 { return byte }
            // The program may have made the terminal non-blocking.
            guard got < 0, csystem_errno() == EAGAIN || csystem_errno() == EINTR else { return nil }
        }
        return nil
    }
}
