/// Whether the arguments of a call that come in fragments are a whole object already. Counts brackets and looks at nothing
/// else: what is no JSON is found where the arguments are read.
struct OpenAIChatCallProgress {
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// Whether an object has begun and ended.
    private var isWhole = false

    /// Whether `fragment` begins the arguments of another call.
    func isOver(before fragment: String?) -> Bool {
        self.isWhole && fragment?.first { !$0.isWhitespace } == "{"
    }

    /// Takes the next fragment.
    mutating func take(_ fragment: String) {
        for unit in fragment.utf8 {
            if self.isEscaped {
                self.isEscaped = false
                continue
            }
            switch unit {
            case UInt8(ascii: "\\"): self.isEscaped = self.isInString
            case UInt8(ascii: "\""): self.isInString.toggle()
            case UInt8(ascii: "{") where !self.isInString, UInt8(ascii: "[") where !self.isInString: self.depth += 1
            case UInt8(ascii: "}") where !self.isInString, UInt8(ascii: "]") where !self.isInString:
                self.depth -= 1
                if self.depth <= 0 { self.isWhole = true }
            default: break
            }
        }
    }
}
