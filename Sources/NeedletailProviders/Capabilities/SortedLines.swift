import NeedletailCore

/// A table that lies in the program's file as text: one line an entry, `type model …`, sorted by bytes. A lookup is a
/// binary search through the text as it lies there, so that what nobody asks for is never read into memory.
struct SortedLines {
    private let text: StaticString

    init(_ text: StaticString) {
        self.text = text
    }

    /// What stands after `type model ` in the line that begins so.
    func line(of type: String, _ model: String) -> String? {
        guard !model.utf8.contains(0x20), !model.utf8.contains(0x0A) else { return nil }
        var wanted = "\(type) \(model) "
        return wanted.withUTF8 { wanted in
            self.text.withUTF8Buffer { text in
                guard let range = unsafe Self.line(beginning: wanted, in: text) else { return nil }
                return unsafe String(decoding: text[range], as: UTF8.self)
            }
        }
    }

    /// All lines of a type: the model and the rest of the line.
    func lines(of type: String) -> [(model: String, rest: String)] {
        let beginning = type + " "
        return self.text.description.split(separator: "\n").compactMap { line in
            guard line.hasPrefix(beginning) else { return nil }
            let parts = line.dropFirst(beginning.count).split(separator: " ", maxSplits: 1)
            return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
        }
    }

    /// The rest of the line that begins with `wanted`.
    private static func line(
        beginning wanted: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>
    ) -> Range<Int>? {
        var low = 0
        var high = text.count
        while low < high {
            var start = low + (high - low) / 2
            while start > low, unsafe text[start - 1] != 0x0A { start -= 1 }
            var end = start
            while end < high, unsafe text[end] != 0x0A { end += 1 }
            switch unsafe Self.order(text[start..<end], wanted) {
            case 0: return start + wanted.count..<end
            case ..<0: low = end + 1
            default: high = start
            }
        }
        return nil
    }

    /// Less than zero for a line before `wanted`, zero for one that begins with it. A name that another name begins with
    /// ends in a space, which comes before every character of a name.
    private static func order(_ line: Slice<UnsafeBufferPointer<UInt8>>, _ wanted: UnsafeBufferPointer<UInt8>) -> Int {
        var place = unsafe line.startIndex
        for index in 0..<wanted.count {
            guard unsafe place < line.endIndex else { return -1 }
            let difference = unsafe Int(line[place]) - Int(wanted[index])
            if difference != 0 { return difference }
            place += 1
        }
        return 0
    }
}
