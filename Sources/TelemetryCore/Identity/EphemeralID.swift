// SPDX-License-Identifier: Apache-2.0

/// D4: an id that ends with this process and the children it forks, marked as such; the same for all
/// its collectors of a tool. Nothing of the machine goes into it, and nothing is stored.
enum EphemeralID {
    static let prefix = "ephemeral-"

    static func id(tool: String) -> String {
        ForkHandling.ephemeralID(tool: tool) {
            prefix + Hexadecimal.text(Random.word()) + Hexadecimal.text(Random.word())
        }
    }
}
