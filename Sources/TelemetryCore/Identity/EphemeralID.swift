// SPDX-License-Identifier: Apache-2.0

/// D4: an id that ends with this process and the children it forks. It is marked as such, and is the same for all of
/// the process's collectors of a tool. Nothing about the machine goes into it, and nothing is stored.
package enum EphemeralID {
    static let prefix = "ephemeral-"

    static func id(tool: String) -> String {
        ForkHandling.ephemeralID(tool: tool) {
            prefix + Hexadecimal.text(Random.word()) + Hexadecimal.text(Random.word())
        }
    }

    /// Of a process that records for the runs of others. What is opened from now on has another id.
    package static func end(tool: String) { ForkHandling.endEphemeralID(tool: tool) }
}
