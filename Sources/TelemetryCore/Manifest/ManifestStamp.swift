// SPDX-License-Identifier: Apache-2.0

/// A file that others put there: whether it is another one than before.
package struct ManifestStamp: Equatable {
    private let stamp: FileStamp?

    /// Follows no link: a link that leads elsewhere is another file too.
    package init(_ path: String?) { stamp = path.flatMap { FileStamp(in: .currentDirectory, $0) } }
}
