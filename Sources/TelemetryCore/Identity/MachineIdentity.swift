// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The identifier that a process's events carry.
package struct MachineIdentity {
    /// Empty: there is no identifier.
    package let id: String
    package var isEphemeral = false
    /// When another id is due, nanoseconds since 1970; `Int64.max`: never.
    var expires = Int64.max

    static let idBytes = 16

    /// The identifier of `tool` with `directory` as its state directory, made if there is none yet. Where none can be
    /// kept, it is one for this process alone: an id that cannot be remembered could not be erased.
    static func obtain(_ policy: IdentityPolicy, tool: String, directory: Descriptor?, now: Int64 = Clock.realtime())
        -> MachineIdentity
    {
        if policy.kind == TELEMETRY_IDENTITY_NONE { return MachineIdentity(id: "") }
        if !policy.isKept, !policy.isEphemeral, policy.kind == TELEMETRY_IDENTITY_HASHED {
            return MachineIdentity(id: HashedID.derive(.current()))
        }
        guard !policy.isEphemeral, let directory else { return ephemeral(tool) }
        let kept: MachineIdentity?
        switch policy.kind {
        case TELEMETRY_IDENTITY_RANDOM: kept = random(policy, tool, directory, now)
        case TELEMETRY_IDENTITY_HASHED: kept = hashed(directory, now)
        default: kept = salted(policy, tool, directory, now)
        }
        return kept ?? ephemeral(tool)
    }

    private static func ephemeral(_ tool: String) -> MachineIdentity {
        MachineIdentity(id: EphemeralID.id(tool: tool), isEphemeral: true)
    }

    private static func random(_ policy: IdentityPolicy, _ tool: String, _ directory: Descriptor, _ now: Int64)
        -> MachineIdentity?
    {
        IdentityFile.uuid.rotate(policy, now: now, tool: tool, in: directory)
        guard let content = IdentityFile.uuid.obtain(in: directory), let id = RandomID.id(content.bytes) else {
            return nil
        }
        return MachineIdentity(id: id, expires: policy.expiry(of: content.stamp.modified))
    }

    private static func hashed(_ directory: Descriptor, _ now: Int64) -> MachineIdentity? {
        let id = HashedID.derive(.current())
        return HashedID.keep(id, now: now, in: directory) ? MachineIdentity(id: id) : nil
    }

    /// D2: a number for this machine and user that only this tool knows. As machine-id(5) asks, the machine's own id
    /// never leaves: it goes through a keyed hash. The key is the tool's own random salt, so that two tools' ids cannot
    /// be joined.
    private static func salted(_ policy: IdentityPolicy, _ tool: String, _ directory: Descriptor, _ now: Int64)
        -> MachineIdentity?
    {
        IdentityFile.salt.rotate(policy, now: now, tool: tool, in: directory)
        if let (id, salt) = IdentityCache.read(in: directory) {
            return MachineIdentity(id: id, expires: policy.expiry(of: salt.modified))
        }
        guard let salt = IdentityFile.salt.obtain(in: directory) else { return nil }
        let id = derive(tool: tool, salt: salt.bytes, machine: machineIDFile())
        // A cache that cannot be written costs the next process a derivation, nothing else.
        try? IdentityCache.write(id, salt: salt.stamp, in: directory)
        return MachineIdentity(id: id, expires: policy.expiry(of: salt.stamp.modified))
    }

    /// The first 16 bytes of the code, in hex; see docs/identity.md.
    @inline(never)
    static func derive(tool: String, salt: [UInt8], machine: [UInt8]) -> String {
        let message = Array("libtelemetry machine-id v1\0".utf8) + Array(tool.utf8) + [0] + machine
        return Hexadecimal.text(Array(HMACSHA256.code(key: salt, message: message)[0..<idBytes]))
    }

    /// machine-id(5); empty where there is none, in a container for instance: then the salt alone decides.
    static func machineIDFile() -> [UInt8] {
        (try? SharedFile.read("/etc/machine-id", limit: 256)) ?? []
    }
}
