// SPDX-License-Identifier: Apache-2.0
import CSystem

extension Collector {
    /// The identifier that events of this collector carry; made if there is none yet. Nil: telemetry is off.
    package var identity: MachineIdentity? {
        guard isEnabled else { return nil }
        // With the control file beside it, which says that nothing was sent under it yet.
        let shared = try? SpoolDirectory.open(tool: options.toolName)
        defer { shared?.close() }
        return MachineIdentity.obtain(IdentityPolicy(options), tool: options.toolName, directory: shared?.directory)
    }
}
