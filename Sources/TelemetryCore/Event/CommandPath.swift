// SPDX-License-Identifier: Apache-2.0

/// C3: what a user ran, without the name of the binary: "mytool  get apis" is "get apis".
package enum CommandPath {
    /// Nil when there is nothing worth an event: the tool run bare, or a command about the tool
    /// itself, such as help.
    package static func normalise(_ path: String, toolName: String) -> String? {
        var words = words(of: path)
        if let first = words.first, isBinary(first, toolName) { words.removeFirst() }
        guard let command = words.first, !isMeta(command) else { return nil }
        var result = Array(command)
        for word in words.dropFirst() {
            result.append(UInt8(ascii: " "))
            result.append(contentsOf: word)
        }
        return String(bytes: result)
    }

    @inline(never)
    private static func words(of path: String) -> [ArraySlice<UInt8>] {
        Array(path.utf8).split(omittingEmptySubsequences: true) { byte in
            // isspace(3) in the C locale
            byte == UInt8(ascii: " ") || (0x09...0x0D).contains(byte)
        }
    }

    /// The tool's name, or a path that ends in it.
    @inline(never)
    private static func isBinary(_ word: ArraySlice<UInt8>, _ toolName: String) -> Bool {
        let name = Array(toolName.utf8)
        if name.isEmpty || word.count < name.count || word.suffix(name.count) != name[...] { return false }
        return word.count == name.count || word.dropLast(name.count).last == UInt8(ascii: "/")
    }

    /// The word asks about the tool instead of using it. The `__` words come from Cobra's shell completion.
    @inline(never)
    private static func isMeta(_ word: ArraySlice<UInt8>) -> Bool {
        let meta: [StaticString] = [
            "help", "--help", "-h", "version", "--version", "man", "completion", "__complete", "__completeNoDesc",
        ]
        return meta.contains { name in
            word.elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        }
    }
}
