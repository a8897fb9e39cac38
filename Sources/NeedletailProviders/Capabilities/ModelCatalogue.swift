/// Facts of models that are known without asking anybody.
///
/// One line a model, sorted by bytes: `type model context output flags`. A lookup is a binary search through the text as
/// it lies in the program.
enum ModelCatalogue {
    /// The facts of a model as one type of provider serves it; `nil` if there are none.
    static func facts(type: String, model: String) -> ModelFacts? {
        guard !model.utf8.contains(0x20), !model.utf8.contains(0x0A) else { return nil }
        var wanted = "\(type) \(model) "
        return wanted.withUTF8 { wanted in
            self.facts.withUTF8Buffer { text in
                unsafe Self.line(beginning: wanted, in: text).flatMap { unsafe Self.read(text[$0]) }
            }
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

    private static func read(_ line: Slice<UnsafeBufferPointer<UInt8>>) -> ModelFacts {
        let fields = unsafe String(decoding: line, as: UTF8.self).split(separator: " ")
        guard fields.count == 3 else { return ModelFacts() }
        let number = { (text: Substring) in Int(text).flatMap { $0 > 0 ? $0 : nil } }
        let flag = { (letter: Character) -> Bool? in
            if fields[2].contains(letter) { return true }
            return fields[2].contains(letter.uppercased()) ? false : nil
        }
        return ModelFacts(
            contextWindow: number(fields[0]),
            maxOutputTokens: number(fields[1]),
            vision: flag("v"),
            tools: flag("t"),
            structuredOutput: flag("s"),
            reasoning: flag("r")
        )
    }
}
