// SPDX-License-Identifier: Apache-2.0

/// Finds the name that was probably meant by one that nobody knows.
package enum LikeName {
    private static let longest = 40

    /// The index of the closest name; nil: none is close enough.
    package static func index(of word: [UInt8], among names: [[UInt8]]) -> Int? {
        guard word.count <= longest else { return nil }
        var best: (index: Int, distance: Int)?
        for (index, name) in names.enumerated() {
            let distance = distance(word, name)
            if distance <= max(1, word.count / 3) && distance < best?.distance ?? .max { best = (index, distance) }
        }
        return best?.index
    }

    /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var row = [i + 1]
            for (j, y) in b.enumerated() {
                var cost = min(last[j] + (x == y ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
