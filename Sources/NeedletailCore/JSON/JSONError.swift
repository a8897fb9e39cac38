/// Why bytes are not the JSON that was expected.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: String, Sendable, Hashable {
        case empty = "the text is empty"
        case unexpectedEnd = "the text ends inside a value"
        case unexpectedByte = "this character is not allowed here"
        case invalidUTF8 = "the text is not valid UTF-8"
        case controlCharacter = "a control character in a string must be escaped"
        case invalidEscape = "this is not an escape sequence"
        case invalidNumber = "this is not a number"
        case trailingBytes = "something follows the value"
        case tooDeep = "values are nested too deeply"
        case tooLarge = "the text is too large"
    }

    /// What is wrong.
    public var reason: Reason
    /// Where, in bytes from the start.
    public var offset: Int

    /// Creates an error.
    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// Both, for people.
    public var description: String { "\(self.reason.rawValue) (at byte \(self.offset))" }
}
