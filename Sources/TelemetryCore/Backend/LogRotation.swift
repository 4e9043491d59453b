// SPDX-License-Identifier: Apache-2.0

/// The files of one log: `name`, and older ones `name.1`, `name.2` and so on.
struct LogRotation {
    let directory: Descriptor
    let name: String
    /// The number of all files, at least 1.
    let maxFiles: Int

    func olderName(_ generation: Int) -> String { name + "." + String(generation) }

    /// Makes room for a new file at `name`. Afterwards there are at most `maxFiles - 1` files, whatever their number
    /// was before. A crash half-way leaves a gap in the numbers and loses only the oldest file.
    func rotate() throws(SystemError) {
        var surplus = max(1, maxFiles - 1)
        while surplus < 10_000, try directory.removeEntry(olderName(surplus)) { surplus += 1 }
        guard maxFiles > 1 else {
            _ = try directory.removeEntry(name)
            return
        }
        for generation in stride(from: maxFiles - 2, through: 1, by: -1) {
            try renameIfPresent(olderName(generation), olderName(generation + 1))
        }
        try directory.renameEntry(name, olderName(1))
    }

    private func renameIfPresent(_ from: String, _ to: String) throws(SystemError) {
        do throws(SystemError) { try directory.renameEntry(from, to) } catch {
            if !error.isMissing { throw error }
        }
    }
}
