// SPDX-License-Identifier: Apache-2.0

/// The audit log on disk, for the user to look at and to verify. Reading it creates nothing, and works while a process
/// delivers.
package struct AuditTrail {
    package struct File {
        package let name: String
        package let bytes: [UInt8]
    }

    /// Oldest first.
    package let files: [File]
    let head: AuditHead?
    let names: AuditNames
    /// Events delivered without a copy since the last entry.
    package let lost: UInt64
    /// Why an existing file could not be read.
    package let problem: String?

    /// Nothing was ever sent, as far as is known.
    package var isEmpty: Bool { files.isEmpty && head == nil && problem == nil }

    private static let limitBytes = 4 * AuditLog.fileBytes
    /// How often files that are being rotated are read before their content is believed.
    private static let attempts = 20

    /// Empty if nothing was ever sent.
    package static func read(options: Options, _ names: AuditNames = .events) -> AuditTrail {
        guard let path = SpoolDirectory.path(options),
            let directory = (try? Directory.openExisting(path, refusedMode: 0)) ?? nil
        else { return AuditTrail(files: [], head: nil, names: names, lost: 0, problem: nil) }
        defer { directory.close() }
        var lost: UInt64 = 0
        if names.areOfEvents, let shared = SpoolDirectory.look(options) {
            lost = shared.delivery.auditLost
            shared.close()
        }
        return read(in: directory, lost: lost, names)
    }

    static func read(in directory: Descriptor, lost: UInt64 = 0, _ names: AuditNames = .events) -> AuditTrail {
        var trail = readOnce(in: directory, lost, names)
        for _ in 0..<attempts {
            // The head is read first: entries written later are beyond it, and do no harm.
            let current = (try? AuditHead.read(in: directory, names))?.current
            if trail.head?.isRotating != true, trail.head?.current == current { break }
            Clock.sleep(nanoseconds: 1_000_000)
            trail = readOnce(in: directory, lost, names)
        }
        return trail
    }

    private static func readOnce(in directory: Descriptor, _ lost: UInt64, _ names: AuditNames) -> AuditTrail {
        let head = try? AuditHead.read(in: directory, names)
        var files: [File] = []
        var problem: String?
        for name in [names.older, names.current] {
            do throws(PrivateFileError) {
                files.append(
                    File(name: name, bytes: try PrivateFile.read(at: directory, name, limit: limitBytes).bytes))
            } catch {
                if let reason = error.reason { problem = name + ": " + reason }
            }
        }
        return AuditTrail(files: files, head: head, names: names, lost: lost, problem: problem)
    }
}
