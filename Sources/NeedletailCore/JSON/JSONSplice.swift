public import NIOCore

/// Edits to JSON text that leave every other byte as it is.
public struct JSONSplice: Sendable {
    private struct Edit {
        var range: Range<Int>
        var replacement: ByteBuffer
    }

    private var edits: [Edit] = []

    /// No edits.
    public init() {}

    /// Whether there is nothing to do.
    public var isEmpty: Bool { self.edits.isEmpty }

    /// Puts `replacement` in the place of `range`, whose offsets count from the text's reader index.
    ///
    /// An empty range inserts; what is inserted at one place stands in the order of the calls, before what replaces the
    /// text there. Of two edits that overlap the one that starts first counts (of two with the same start, the one given
    /// first) and the other is left out; so is an edit that does not lie in the text.
    public mutating func replace(_ range: Range<Int>, with replacement: ByteBuffer) {
        self.edits.append(Edit(range: range, replacement: replacement))
    }

    /// Leaves values of a list, or members of an object, out, with the commas that they need no more.
    ///
    /// - Parameters:
    ///   - left: Which, by their place; ascending.
    ///   - places: Where all of them stand, in order.
    public mutating func remove(_ left: [Int], from places: [Range<Int>]) {
        var firstKept = 0
        while firstKept < left.count, left[firstKept] == firstKept { firstKept += 1 }
        for index in left where places.indices.contains(index) {
            let place = places[index]
            let range =
                index > firstKept
                ? places[index - 1].upperBound..<place.upperBound
                : place.lowerBound..<(index + 1 < places.count ? places[index + 1].lowerBound : place.upperBound)
            self.replace(range, with: ByteBuffer())
        }
    }

    /// The edited text. One copy, whatever the number of edits.
    public func applied(to text: ByteBuffer) -> ByteBuffer {
        let size = text.readableBytes
        // The sort is stable: edits with equal keys stay in the order they were given in.
        let edits = self.edits.filter { $0.range.lowerBound >= 0 && $0.range.upperBound <= size }
            .sorted {
                ($0.range.lowerBound, $0.range.isEmpty ? 0 : 1) < ($1.range.lowerBound, $1.range.isEmpty ? 0 : 1)
            }
        guard !edits.isEmpty else { return text }
        var out = ByteBuffer()
        out.reserveCapacity(edits.reduce(size) { $0 + $1.replacement.readableBytes })
        var position = 0
        for edit in edits where edit.range.lowerBound >= position {
            Self.copy(text, position..<edit.range.lowerBound, into: &out)
            out.writeImmutableBuffer(edit.replacement)
            position = edit.range.upperBound
        }
        Self.copy(text, position..<size, into: &out)
        return out
    }

    private static func copy(_ text: ByteBuffer, _ range: Range<Int>, into out: inout ByteBuffer) {
        guard let slice = text.getSlice(at: text.readerIndex + range.lowerBound, length: range.count) else { return }
        out.writeImmutableBuffer(slice)
    }
}
