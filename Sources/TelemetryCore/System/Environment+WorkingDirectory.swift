// SPDX-License-Identifier: Apache-2.0
import CSystem

extension Environment {
    /// `path`, made absolute with the current working directory, which the host may change later. Nil when that
    /// directory is not known.
    static func absolutePath(_ path: String) -> String? {
        if path.utf8.first == UInt8(ascii: "/") { return path }
        guard let directory = getcwd(nil, 0) else { return nil }
        defer { free(directory) }
        return PathText.string(directory) + "/" + path
    }
}
