// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// The lines between the markers `public: begin` and `public: end`.
func publicTypes(in file: TextFile) throws -> [String] {
    guard let begin = file.lines.firstIndex(of: "/* public: begin */"),
        let end = file.lines.firstIndex(of: "/* public: end */"), begin < end
    else { throw Failure("\(file.path): expected /* public: begin */ and /* public: end */") }
    return Array(file.lines[(begin + 1)..<end])
}
