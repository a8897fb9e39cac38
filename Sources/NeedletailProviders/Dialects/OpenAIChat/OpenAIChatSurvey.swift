import NIOCore
import NeedletailCore

/// What a passthrough must know of a reply or chunk, found in one pass that also checks that the text is JSON.
struct OpenAIChatSurvey {
    /// Where a usage object lies: the reply's own.
    var usage: Range<Int>?
    /// Where `x_groq` lies.
    var groq: Range<Int>?
    /// Whether the text says that something failed.
    var hasError = false
    /// Whether a choice says that something failed.
    var hasChoiceError = false
    /// Whether there is a list of choices.
    var hasChoices = false
    /// Whether the list of choices has an element.
    var hasChoice = false
    /// The choices seen, as bits; those beyond 63 share the last one.
    var seen: UInt64 = 0
    /// The choices that end here.
    var ended: UInt64 = 0
    /// Whether a choice carries a usage object.
    var hasChoiceUsage = false
    /// Whether a choice may carry what only its provider can read.
    var mayHoldState: Bool { self.content.mayHoldState }
    private var content = JSONStateScan()

    /// Surveys one JSON object with nothing but white space around it.
    init(_ bytes: Span<UInt8>) throws(JSONError) {
        var members = try OpenAIChatMembers(bytes, at: JSONScanner.skipWhitespace(bytes, 0))
        while try members.next(bytes) {
            let start = members.position
            if members.hasKey("choices", bytes), bytes[start] == UInt8(ascii: "[") {
                self.hasChoices = true
                members.position = try self.choices(bytes, start)
                continue
            }
            let end = try JSONScanner.value(bytes, start)
            members.position = end
            if members.hasKey("usage", bytes) {
                if bytes[start] == UInt8(ascii: "{") { self.usage = start..<end }
            } else if members.hasKey("error", bytes) {
                if bytes[start] != UInt8(ascii: "n") { self.hasError = true }
            } else if members.hasKey("x_groq", bytes) {
                if bytes[start] == UInt8(ascii: "{") { self.groq = start..<end }
            } else if members.hasKey("object", bytes) {
                if OpenAIChatMembers.equals(bytes, start..<end, "\"error\"") { self.hasError = true }
            }
        }
        let end = JSONScanner.skipWhitespace(bytes, members.position)
        guard end == bytes.count else { throw JSONError(.trailingBytes, at: end) }
    }

    private mutating func choices(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        var index = JSONScanner.skipWhitespace(bytes, start + 1)
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        if bytes[index] == UInt8(ascii: "]") { return index + 1 }
        self.hasChoice = true
        var position = 0
        while true {
            if bytes[index] == UInt8(ascii: "{") {
                index = try self.choice(bytes, index, position)
            } else {
                index = try JSONScanner.value(bytes, index)
            }
            index = JSONScanner.skipWhitespace(bytes, index)
            guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
            if bytes[index] == UInt8(ascii: "]") { return index + 1 }
            guard bytes[index] == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: index) }
            index = JSONScanner.skipWhitespace(bytes, index + 1)
            guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
            position += 1
        }
    }

    private mutating func choice(_ bytes: Span<UInt8>, _ start: Int, _ position: Int) throws(JSONError) -> Int {
        var members = try OpenAIChatMembers(bytes, at: start)
        var number = position
        var hasEnded = false
        while try members.next(bytes) {
            let start = members.position
            let end = try self.content.value(bytes, start)
            members.position = end
            if members.hasKey("finish_reason", bytes) {
                // Two quotes with nothing between them are how some servers write that there is none yet.
                hasEnded = bytes[start] == UInt8(ascii: "\"") && end - start > 2
            } else if members.hasKey("index", bytes) {
                number = Self.number(bytes, start..<end) ?? position
            } else if members.hasKey("usage", bytes) {
                if bytes[start] == UInt8(ascii: "{") { self.hasChoiceUsage = true }
            } else if members.hasKey("error", bytes) {
                if bytes[start] == UInt8(ascii: "{") { self.hasChoiceError = true }
            }
        }
        let bit = UInt64(1) << UInt64(min(number, 63))
        self.seen |= bit
        if hasEnded { self.ended |= bit }
        return members.position
    }

    private static func number(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        guard range.count <= 4 else { return nil }
        var number = 0
        for index in range {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return nil }
            number = number * 10 + Int(digit)
        }
        return number
    }

    /// The usage in `text`, which this survey was made of.
    func readUsage(in text: ByteBuffer) -> Usage? {
        if let usage = self.usage, let view = Self.view(text, usage), let read = OpenAIChat.readUsage(view) {
            return read
        }
        if let groq = self.groq, let usage = Self.view(text, groq)?.present("usage") {
            return OpenAIChat.readUsage(usage)
        }
        guard self.hasChoiceUsage, let document = try? JSONDocument(text) else { return nil }
        return OpenAIChat.usage(in: document.root)
    }

    private static func view(_ text: ByteBuffer, _ range: Range<Int>) -> JSONView? {
        guard let slice = text.getSlice(at: text.readerIndex + range.lowerBound, length: range.count) else {
            return nil
        }
        return try? JSONDocument(slice).root
    }
}
