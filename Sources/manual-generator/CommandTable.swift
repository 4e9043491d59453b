// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import GeneratorText

/// What `telemetry help --json` prints: docs/cli.md describes it.
struct CommandTable: Decodable {
    struct Option: Decodable {
        let name: String
        let short: String?
        /// What is written in place of the value; nil: a flag.
        let value: String?
        /// The allowed values, if any other is refused.
        let choices: [String]
        let repeats: Bool
        let summary: String
    }

    struct Command: Decodable {
        let name: String
        /// What follows the name, for each way to call it.
        let forms: [String]
        let summary: String
        let details: String
        let options: [Option]
        let actions: [String]
        let words: Int
        let runsProgram: Bool
    }

    let options: [Option]
    let commands: [Command]

    static func read(_ file: TextFile) throws -> CommandTable {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(CommandTable.self, from: Data(file.lines.joined(separator: "\n").utf8))
        } catch {
            throw Failure("\(file.path): not a table of commands: \(error)")
        }
    }

    /// Every option with a value, of all commands, once.
    var valued: [Option] {
        var seen: Set<String> = []
        return (options + commands.flatMap(\.options)).filter { $0.value != nil && seen.insert($0.name).inserted }
    }
}
