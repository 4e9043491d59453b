// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Which identifier a process is to use: it depends on the author's choice and on where the process runs.
struct IdentityPolicy {
    var kind: telemetry_identity = TELEMETRY_IDENTITY_SALTED
    /// Nanoseconds; 0: never.
    var rotation: Int64 = 0
    var isEphemeral = false
    /// False: nothing is kept.
    var isKept = true

    static let dayNanoseconds: Int64 = 86_400_000_000_000

    init(kind: telemetry_identity = TELEMETRY_IDENTITY_SALTED, rotationDays: UInt32 = 0, isEphemeral: Bool = false) {
        self.kind = kind
        let longest = Setting.rotationDays.range.high
        rotation = min(Int64(rotationDays), longest) &* Self.dayNanoseconds
        self.isEphemeral = isEphemeral
    }

    /// Looks at the surroundings only if they matter.
    init(_ options: Options, surroundings: () -> Surroundings = Surroundings.current) {
        let isEphemeral =
            switch options.ephemeral {
            case TELEMETRY_EPHEMERAL_ALWAYS: true
            case TELEMETRY_EPHEMERAL_NEVER: false
            default: options.identity != TELEMETRY_IDENTITY_NONE && surroundings().areShortLived
            }
        self.init(kind: options.identity, rotationDays: options.rotationDays, isEphemeral: isEphemeral)
        isKept = !options.isInMemory
    }

    /// When something made at `made` is to be replaced, nanoseconds since 1970; `Int64.max`: never.
    func expiry(of made: Int64) -> Int64 {
        guard rotation > 0 else { return .max }
        let (sum, overflow) = made.addingReportingOverflow(rotation)
        return overflow ? .max : sum
    }
}
