import NIOCore
import NeedletailCore

/// What is known of a call when it begins.
struct AnthropicCallHead: Equatable {
    var index: Int
    var id: String
    var name: String
    var isCustom: Bool
}

/// The block that a stream's encoder is sending.
enum AnthropicOpenBlock {
    /// A block that can be closed at any time.
    enum Plain {
        case text, thinking
    }

    case plain(Plain)
    case call(AnthropicOpenCall)
}

/// What waits for an unfinished call to end.
struct AnthropicWaitingBlock {
    /// What it is.
    enum Kind: Equatable {
        case text, thinking, signature, citation, redactedThinking, opaque
        case call(AnthropicCallHead)

        /// Whether two of them in a row are one.
        var grows: Bool { self == .text || self == .thinking || self == .signature }
    }

    var kind: Kind
    var text: String

    /// The call, if it is one.
    var call: AnthropicCallHead? {
        if case .call(let head) = self.kind { head } else { nil }
    }
}

/// A call that is being sent.
struct AnthropicOpenCall {
    let head: AnthropicCallHead
    private(set) var arguments = JSONObjectProgress()
    private var isEmpty = true

    init(head: AnthropicCallHead) {
        self.head = head
    }

    /// Sends more of the arguments.
    mutating func write(
        _ fragment: String, block: Int, _ deltas: inout AnthropicDeltaWriter, _ out: inout ByteBuffer
    ) {
        guard !self.head.isCustom else {
            // Free text has no end of its own: `input` grows until the block is closed.
            let opening = self.isEmpty ? "{\"input\":\"" : ""
            self.isEmpty = false
            deltas.write(.arguments, opening + Self.escaped(fragment), index: block, into: &out)
            return
        }
        self.isEmpty = false
        self.arguments.take(fragment)
        deltas.write(.arguments, fragment, index: block, into: &out)
    }

    /// Sends what is missing before the block may stop.
    mutating func close(block: Int, _ deltas: inout AnthropicDeltaWriter, _ out: inout ByteBuffer) {
        if self.head.isCustom {
            let rest = self.isEmpty ? "{\"input\":\"\"}" : "\"}"
            deltas.write(.arguments, rest, index: block, into: &out)
        } else if self.isEmpty {
            deltas.write(.arguments, "{}", index: block, into: &out)
        }
    }

    /// The inside of a JSON string.
    private static func escaped(_ text: String) -> String {
        String(JSONText(string: text).description.dropFirst().dropLast())
    }
}

/// Follows JSON text that comes in pieces, to know when its object is whole.
struct JSONObjectProgress {
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// Whether an object or array has begun and ended.
    private(set) var isComplete = false

    /// Takes the next piece.
    mutating func take(_ piece: String) {
        for unit in piece.utf8 where !self.isComplete {
            if self.isEscaped {
                self.isEscaped = false
            } else if self.isInString {
                if unit == UInt8(ascii: "\\") { self.isEscaped = true }
                if unit == UInt8(ascii: "\"") { self.isInString = false }
            } else {
                switch unit {
                case UInt8(ascii: "\""): self.isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): self.depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    self.depth -= 1
                    self.isComplete = self.depth <= 0
                default: break
                }
            }
        }
    }
}
