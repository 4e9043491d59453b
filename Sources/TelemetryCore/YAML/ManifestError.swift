// SPDX-License-Identifier: Apache-2.0

/// Why a manifest was not taken, in one line: `FILE:LINE:COLUMN: KEY: what was wrong; expected ...`.
package struct ManifestError: Error, Equatable {
    package let text: String

    @inline(never)
    init(file: String, _ position: TextPosition, key: String, _ problem: String) {
        let problem = key + ": " + problem
        if position == .none {
            // A setting in code is not in a file.
            text = problem
        } else if Environment.isUntrusted {
            // The caller of this program may lack the right to read the file.
            text = Excerpt.path(file) + ": not in order; 'telemetry manifest check' says more to a user who may read it"
        } else {
            text =
                Excerpt.path(file) + ":" + position.line.description + ":" + position.column.description + ": "
                + problem
        }
    }

    /// For the file as a whole.
    @inline(never)
    init(file: String, _ problem: String) {
        text = Excerpt.of(file, limitBytes: Excerpt.pathLimitBytes) + ": " + problem
    }
}
