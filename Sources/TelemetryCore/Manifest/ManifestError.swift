/// Why a manifest was not taken, in one line: `FILE:LINE:COLUMN: KEY: what was wrong; expected ...`.
package struct ManifestError: Error, Equatable {
    package let text: String

    @inline(never)
    init(file: String, _ position: TextPosition, key: String, _ problem: String) {
        // What is said in code stands in no file.
        text = position == .none ? key + ": " + problem : Excerpt.of(file, limitBytes: Excerpt.pathLimitBytes) + ":" + position.line.description + ":" + position.column.description + ": "
            + key + ": " + problem
    }

    /// Of the file as a whole.
    @inline(never)
    init(file: String, _ problem: String) {
        text = Excerpt.of(file, limitBytes: Excerpt.pathLimitBytes) + ": " + problem
    }
}
