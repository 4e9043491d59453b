// SPDX-License-Identifier: Apache-2.0

/// A line of the file of receipts, which may hold anything, as JSON that is fit for a terminal.
enum StoredReceipt {
    static func json(_ line: [UInt8]) -> String {
        guard let members = members(line) else {
            var damaged = JSONObject()
            damaged.add("damaged", String(decoding: line, as: UTF8.self))
            return damaged.oneLine
        }
        // As it was written, unless something in it could do more than be read.
        if line.allSatisfy({ (0x20...0x7E).contains($0) }) { return String(decoding: line, as: UTF8.self) }
        var object = JSONObject()
        for (key, value) in members { object.add(key, value) }
        return object.oneLine
    }

    /// Nil: it is not an object of texts.
    private static func members(_ line: [UInt8]) -> [(String, String)]? {
        guard let properties = try? FlatJSON.parse(line) else { return nil }
        var members: [(String, String)] = []
        for property in properties {
            guard case .string(let text) = property.value else { return nil }
            members.append((property.key, text))
        }
        return members
    }
}
