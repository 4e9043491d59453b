// SPDX-License-Identifier: Apache-2.0

/// D2: the id as it was derived, so that a process need neither read nor hash anything else to know it. One line: the
/// id (32 hex digits), the inode and the time of change of the salt it came from (16 each). The line counts only with
/// that very salt: a user who deletes the salt has severed the link.
enum IdentityCache {
    static let fileName = "machine-id"
    private static let lineBytes = 32 + 1 + 16 + 1 + 16 + 1

    /// Costs a stat of the salt and one open, read and close. Nil: derive it anew.
    static func read(in directory: Descriptor) -> (id: String, salt: FileStamp)? {
        guard let salt = FileStamp(in: directory, IdentityFile.salt.name),
            let content = try? PrivateFile.read(at: directory, fileName, limit: lineBytes),
            let id = parse(content.bytes, salt: salt)
        else { return nil }
        return (id, salt)
    }

    static func parse(_ line: [UInt8], salt: FileStamp) -> String? {
        guard line.count == lineBytes,
            line[32] == UInt8(ascii: " "), line[49] == UInt8(ascii: " "), line[66] == UInt8(ascii: "\n"),
            line[0..<32].allSatisfy(Hexadecimal.isDigit),
            Hexadecimal.word(line[33..<49]) == salt.inode,
            Hexadecimal.word(line[50..<66]) == UInt64(bitPattern: salt.modified)
        else { return nil }
        return String(bytes: line[0..<32])
    }

    /// Not durable: an id that a power cut takes is derived again.
    static func write(_ id: String, salt: FileStamp, in directory: Descriptor) throws(SystemError) {
        let stamp = Hexadecimal.text(salt.inode) + " " + Hexadecimal.text(UInt64(bitPattern: salt.modified))
        let line = id + " " + stamp + "\n"
        try PrivateFile.replace(in: directory, fileName, Array(line.utf8), durable: false)
    }
}
