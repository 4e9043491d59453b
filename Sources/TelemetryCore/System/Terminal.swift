import CSystem

/// The terminal that a person sits at, as it was found: no mode is changed and no signal handled.
enum Terminal {
    /// Longest line of a terminal in canonical mode, termios(3).
    private static let lineLimit = 4096

    /// Someone can be asked: standard input and error are terminals, and this process group is in the
    /// foreground; a read would stop it otherwise (POSIX, General Terminal Interface, 11.1.4).
    static var canAsk: Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 && tcgetpgrp(STDIN_FILENO) == getpgrp()
    }

    /// Writes to standard error, all of it.
    static func show(_ text: String) throws(SystemError) {
        let bytes = Array(text.utf8)
        let error = bytes.withUnsafeBytes { Descriptor(raw: STDERR_FILENO).writeBounded($0) { false }.error }
        if let error { throw error }
    }

    /// One line of standard input, byte by byte, so that what was typed beyond it is left to the program.
    /// Nil: there is none; the end, a hangup, an interruption, or a line that is too long.
    static func readLine() -> [UInt8]? {
        var line: [UInt8] = []
        while line.count < lineLimit, let byte = readByte() {
            switch byte {
            // A terminal in raw mode sends what was typed: carriage return, and Ctrl-C and Ctrl-D as bytes.
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): return line
            case 0x03, 0x04: return nil
            default: line.append(byte)
            }
        }
        return nil
    }

    /// Nil also when a signal came that the program handles: the user may have pressed Ctrl-C.
    private static func readByte() -> UInt8? {
        var byte: UInt8 = 0
        while true {
            let got = read(STDIN_FILENO, &byte, 1)
            if got == 1 { return byte }
            // Not blocking is a property that the program has given to the terminal.
            guard got < 0, csystem_errno() == EAGAIN else { return nil }
            var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            if poll(&entry, 1, -1) < 0 { return nil }
        }
    }
}
