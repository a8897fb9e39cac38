/// Finds the names that somebody who mistyped one may have meant.
///
/// The distance is Damerau-Levenshtein in its restricted form (optimal string alignment): insertions, deletions,
/// substitutions and swaps of neighbours count one each. Case differences count nothing.
public enum NearestNames {
    /// Names longer than this are cut before they are compared, so that a hostile name costs little.
    static let longestCompared = 128

    /// The names nearest to `name`, best first, ties in alphabetical order.
    ///
    /// - Parameters:
    ///   - name: What was written.
    ///   - candidates: What could have been meant.
    ///   - limit: How many to return at most.
    /// - Returns: Only names that are plausibly meant: within a third of the longer name's length and at least one
    ///   edit, or with one being the other's beginning (from three characters on).
    public static func nearestNames(
        to name: String,
        among candidates: some Sequence<String>,
        limit: Int = 3
    ) -> [String] {
        let wanted = Self.folded(name)
        guard limit > 0, !wanted.isEmpty else { return [] }
        var found: [(distance: Int, name: String)] = []
        for candidate in Set(candidates) {
            let other = Self.folded(candidate)
            guard !other.isEmpty else { continue }
            let allowed = max(1, max(wanted.count, other.count) / 3)
            if abs(wanted.count - other.count) <= allowed {
                let distance = Self.distance(wanted, other)
                if distance <= allowed {
                    found.append((distance, candidate))
                    continue
                }
            }
            let shorter = min(wanted.count, other.count)
            if shorter >= 3, wanted.prefix(shorter) == other.prefix(shorter) {
                found.append((allowed + 1, candidate))
            }
        }
        found.sort { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return found.prefix(limit).map(\.name)
    }

    /// The number of edits that turn one word into the other.
    public static func distance(_ left: String, _ right: String) -> Int {
        Self.distance(Self.folded(left), Self.folded(right))
    }

    private static func folded(_ name: String) -> [Unicode.Scalar] {
        Array(name.lowercased().unicodeScalars.prefix(Self.longestCompared))
    }

    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var twoAbove: [Int] = []
        var above = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            current.reserveCapacity(right.count + 1)
            for column in 1...right.count {
                let same = left[row - 1] == right[column - 1]
                var best = min(above[column] + 1, current[column - 1] + 1, above[column - 1] + (same ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    best = min(best, twoAbove[column - 2] + 1)
                }
                current.append(best)
            }
            twoAbove = above
            above = current
        }
        return above[right.count]
    }
}
