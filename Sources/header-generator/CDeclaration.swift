// SPDX-License-Identifier: Apache-2.0
import GeneratorText

/// A C type and, for a parameter, its name, in the spelling of the public header.
struct CDeclaration {
    /// For example `const char *const *`.
    let type: String
    let name: String?

    /// As it is written in a prototype: no space between a star and the name.
    var text: String {
        guard let name else { return type }
        return type.hasSuffix("*") ? type + name : "\(type) \(name)"
    }

    /// Reads `char const * _Nullable const * _Nullable argumentList`, as the compiler prints it.
    init(_ source: some StringProtocol, named: Bool) throws {
        guard !source.contains("("), !source.contains("[") else {
            throw Failure("'\(source.trimmed)': only plain and pointer types can be exported")
        }
        var words = Self.words(source).filter { !Self.dropped.contains($0) }
        if named {
            guard words.count > 1, let last = words.popLast(), last != "*" else {
                throw Failure("'\(source.trimmed)': a parameter without a name")
            }
            name = Self.snakeCase(last)
        } else {
            name = nil
        }
        type = try Self.type(words)
    }

    /// Nullability says nothing new: every function takes NULL. Tags repeat the typedefs.
    private static let dropped: Set<String> = ["_Nullable", "_Nonnull", "_Null_unspecified", "enum", "struct"]

    /// Swift's Int counts and measures here, and is never negative.
    private static let spelling = [
        "NSInteger": "size_t", "NSUInteger": "size_t", "ptrdiff_t": "size_t", "BOOL": "bool", "_Bool": "bool",
    ]

    private static func words(_ source: some StringProtocol) -> [String] {
        source.replacing("*", with: " * ").split { $0.isWhitespace }.map(String.init)
    }

    /// `char const * const *` as `const char *const *`.
    private static func type(_ words: [String]) throws -> String {
        let levels = words.split(separator: "*", omittingEmptySubsequences: false)
        let base = levels[0].filter { $0 != "const" }.map { spelling[$0] ?? $0 }.joined(separator: " ")
        guard !base.isEmpty, !base.hasPrefix("SWIFT_") else {
            throw Failure("'\(words.joined(separator: " "))': not a C type")
        }
        let first = levels[0].contains("const") ? "const \(base)" : base
        guard levels.count > 1 else { return first }
        return first + " " + levels.dropFirst().map { $0.contains("const") ? "*const " : "*" }.joined()
    }

    /// C names are written `like_this`, Swift names `likeThis`.
    static func snakeCase(_ name: some StringProtocol) -> String {
        name.reduce(into: "") { result, character in
            if character.isUppercase, !result.isEmpty, result.last != "_" { result += "_" }
            result += character.lowercased()
        }
    }
}
