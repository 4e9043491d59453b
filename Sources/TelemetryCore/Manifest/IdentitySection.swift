// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a manifest says about the identifier. Nil: nothing.
struct IdentityChoice {
    var kind: telemetry_identity?
    var rotationDays: Int64?
    var ephemeral: telemetry_ephemeral?

    func apply(to options: Options) {
        if let kind { options.identity = kind }
        if let rotationDays { options.rotationDays = UInt32(clamping: rotationDays) }
        if let ephemeral { options.ephemeral = ephemeral }
    }
}

/// `identity`: what the events of one user have in common (D3, D4).
enum IdentitySection {
    static func read(_ top: ManifestSection) throws(ManifestError) -> IdentityChoice? {
        let keys = ["kind", "rotation_days", "ephemeral"]
        guard let identity = try top.section("identity", keys: keys) else { return nil }
        var choice = IdentityChoice()
        choice.kind = try identity.choice(
            "kind",
            [
                ("salted", TELEMETRY_IDENTITY_SALTED), ("none", TELEMETRY_IDENTITY_NONE),
                ("random", TELEMETRY_IDENTITY_RANDOM), ("hashed", TELEMETRY_IDENTITY_HASHED),
            ])
        choice.rotationDays = try identity.integer("rotation_days", 0...Int64(IdentityPolicy.longestRotationDays))
        choice.ephemeral = try identity.choice(
            "ephemeral",
            [
                ("auto", TELEMETRY_EPHEMERAL_AUTO), ("never", TELEMETRY_EPHEMERAL_NEVER),
                ("always", TELEMETRY_EPHEMERAL_ALWAYS),
            ])
        return choice
    }
}
