// SPDX-License-Identifier: Apache-2.0
import CSystem

extension Collector {
    /// The identifier that events of this collector carry; made if there is none yet. Nil: telemetry is off.
    package var identity: MachineIdentity? {
        guard isEnabled else { return nil }
        // The control file is opened too: it says that nothing was sent under the identifier yet.
        let shared = try? SpoolDirectory.open(options)
        defer { shared?.close() }
        return MachineIdentity.obtain(IdentityPolicy(options), tool: options.toolName, directory: shared?.directory)
    }
}
