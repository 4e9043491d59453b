// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Asked before files are read that decide something, and before a no counts that was read in them: a file that cannot be
/// opened for want of a descriptor says nothing.
package enum DescriptorRoom {
    /// Open at the same time: a directory, a file in it, and what is looked at on the way, or a tool's spool.
    private static let needed = 8

    package static var isThere: Bool {
        var held: [Descriptor] = []
        defer { for each in held { each.close() } }
        for _ in 0..<needed {
            let fd = SystemCall.open.once {
                csystem_openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
            }
            if fd < 0 { return false }
            held.append(Descriptor(raw: fd))
        }
        return true
    }
}
