import CSystem

/// D2: a number for this machine and user that only this tool knows. As machine-id(5) asks, the
/// machine's own id never leaves: it goes through a keyed hash, and the key is a random salt of
/// the tool's own, so that two tools' ids cannot be joined.
enum MachineIdentity {
    static let idBytes = 16

    /// Id of `tool` with `directory` as its state directory: 32 hex digits. An id for this process
    /// alone when nothing can be kept there; "" when there is no SHA-256.
    static func machineID(tool: String, directory: Descriptor) -> String {
        if let id = IdentityCache.read(in: directory) { return id }
        guard let salt = try? Salt.obtain(in: directory) else { return ephemeralID(tool: tool) }
        guard let id = derive(tool: tool, salt: salt.bytes, machine: machineIDFile()) else { return "" }
        // A cache that cannot be written costs the next process a derivation, nothing else.
        try? IdentityCache.write(id, salt: salt.stamp, in: directory)
        return id
    }

    /// An id that ends with this process, the same for all its collectors of `tool`.
    static func ephemeralID(tool: String) -> String {
        derive(tool: tool, salt: ephemeralSalt, machine: machineIDFile()) ?? ""
    }

    /// The first 16 bytes of the code, in hex; see docs/spool-format.md for where it is kept.
    static func derive(tool: String, salt: [UInt8], machine: [UInt8]) -> String? {
        let message = Array("libtelemetry machine-id v1\0".utf8) + Array(tool.utf8) + [0] + machine
        guard let code = HMACSHA256.code(key: salt, message: message) else { return nil }
        return Hexadecimal.text(Array(code[0..<idBytes]))
    }

    private static let ephemeralSalt = Salt.random()

    /// machine-id(5); empty where there is none, in a container for instance: the salt alone decides.
    private static func machineIDFile() -> [UInt8] {
        (try? SharedFile.read("/etc/machine-id", limit: 256)) ?? []
    }
}
