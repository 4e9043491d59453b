// SPDX-License-Identifier: Apache-2.0

/// The known key that the author most likely meant.
enum NearestKey {
    /// Only so many bytes of two keys are compared; bounds the work.
    private static let limitBytes = 64

    /// "" for no candidates. If several are equally near, the first.
    static func to(_ key: String, of candidates: [String]) -> String {
        let given = Array(Array(key.utf8).prefix(limitBytes))
        var best = ""
        var bestDistance = Int.max
        for candidate in candidates {
            let distance = distance(given, Array(Array(candidate.utf8).prefix(limitBytes)))
            if distance < bestDistance { (best, bestDistance) = (candidate, distance) }
        }
        return best
    }

    /// A candidate that differs in one or two letters, or in an ending. Nil: there is none, or the key is one of them.
    static func nearMiss(_ key: String, of candidates: [String]) -> String? {
        let given = Array(Array(key.utf8).prefix(limitBytes))
        for candidate in candidates {
            let other = Array(candidate.utf8)
            if given == other { return nil }
        }
        return candidates.first { distance(given, Array($0.utf8)) <= 2 }
    }

    /// Levenshtein distance, one row of the table at a time.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let substituted = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
