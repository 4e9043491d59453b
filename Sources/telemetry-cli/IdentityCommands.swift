// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `machine-id`: the identifier that the tool's events carry.
enum IdentityCommands {
    static func machineID(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        let collector = Collector.open(options)
        invocation.warn(collector.decision)
        let identity = collector.identity
        _ = collector.close(timeoutMilliseconds: 0)
        if invocation.wantsJSON {
            try invocation.answer(json(options, identity))
            return .ok
        }
        if let id = identity?.id, !id.utf8.isEmpty { try invocation.answer(id + "\n") }
        if !invocation.isQuiet, let note = note(options, identity) { invocation.complain(note) }
        return .ok
    }

    private static func json(_ options: Options, _ identity: MachineIdentity?) -> String {
        var object = JSONObject()
        object.add("tool", options.toolName)
        object.add("machine_id", optional: identity.flatMap { $0.id.utf8.isEmpty ? nil : $0.id })
        object.add("kind", kind(options))
        object.add("ephemeral", identity?.isEphemeral ?? false)
        object.add("past", UInt64(KnownIDs.read(options: options, mayBeOn: false).past.count))
        return object.text
    }

    private static func kind(_ options: Options) -> String {
        switch options.identity {
        case TELEMETRY_IDENTITY_NONE: "none"
        case TELEMETRY_IDENTITY_RANDOM: "random"
        case TELEMETRY_IDENTITY_HASHED: "hashed"
        default: "salted"
        }
    }

    private static func note(_ options: Options, _ identity: MachineIdentity?) -> String? {
        guard let identity else { return "none in use: telemetry is off" }
        if identity.isEphemeral { return "this one is for this process alone: each run of the tool has another" }
        guard identity.id.utf8.isEmpty else { return nil }
        return options.identity == TELEMETRY_IDENTITY_NONE ? "the tool uses none" : "no identifier could be made"
    }
}
