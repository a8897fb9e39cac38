import NIOCore
import NeedletailCore

/// The strings of an event of a stream, each with where the stream goes on with it.
///
/// A channel is the keys that lead to a string, with the numbers and types that events tell their parts by: the same in every
/// event that brings more of the same text, in all dialects.
struct StreamTexts: Sequence {
    /// A string.
    struct Text {
        var channel: String
        /// Where it stands in the data, without quotes.
        var range: Range<Int>
    }

    private var texts: [Text] = []

    /// Reads the data of an event; what is no JSON has none.
    init(_ data: ByteBuffer) {
        guard let root = try? JSONDocument(data).root else { return }
        self.read(root, "")
    }

    func makeIterator() -> IndexingIterator<[Text]> { self.texts.makeIterator() }

    private mutating func read(_ view: JSONView, _ channel: String) {
        switch view.kind {
        case .string:
            let range = view.range
            self.texts.append(Text(channel: channel, range: (range.lowerBound + 1)..<(range.upperBound - 1)))
        case .array:
            for element in view.elements { self.read(element, channel + "[]") }
        case .object:
            var own = channel
            for member in view.members where Self.tells(member) {
                own += "(\(member.key)=\(member.value.text))"
            }
            for member in view.members { self.read(member.value, "\(own).\(member.key)") }
        case .null, .boolean, .number: break
        }
    }

    private static func tells(_ member: JSONView.Member) -> Bool {
        switch member.value.kind {
        case .number: member.key.hasSuffix("index") || member.key.hasSuffix("Index")
        case .string: member.hasKey("type")
        default: false
        }
    }
}
