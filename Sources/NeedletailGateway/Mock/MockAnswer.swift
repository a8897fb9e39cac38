/// What a mock upstream says, before it is put into the words of a dialect.
struct MockAnswer: Sendable {
    /// A piece of content.
    enum Part: Sendable {
        /// Reasoning; `isHidden` if only its signature is shown.
        case reasoning(MockText, signature: String, isHidden: Bool)
        case text(MockText)
        case toolCall(id: String, name: String, arguments: MockText, isCustom: Bool)

        /// What it consists of.
        var text: MockText {
            switch self {
            case .reasoning(let text, _, _), .text(let text), .toolCall(_, _, let text, _): text
            }
        }
    }

    /// Why it ended.
    enum Stop: Sendable, Hashable {
        case end, length, toolCalls
        case sequence(String)
    }

    /// One of the answers asked for.
    struct Choice: Sendable {
        var parts: [Part]
        var stop: Stop
    }

    /// Sixteen digits, made from the seed and the request.
    var id: String
    var model: String
    /// Seconds since 1970; made like the id, so that the same request gives the same bytes.
    var created: Int64
    var choices: [Choice]
    var usage: MockUsage
    /// Whether a stream says what it cost, where that must be asked for.
    var includesUsage: Bool
    var usesLegacyFunctions: Bool
}

/// One step through an answer, as every dialect's stream takes it.
enum MockPiece: Sendable {
    case begin(choice: Int)
    case partBegin(MockAnswer.Part, index: Int, choice: Int)
    /// A chunk; `tokens` is how many of the answer's tokens it holds.
    case fragment(String, of: MockAnswer.Part, index: Int, number: Int, tokens: Int, choice: Int)
    case partEnd(MockAnswer.Part, index: Int, choice: Int)
    case choiceEnd(MockAnswer.Stop, choice: Int)
    case usage
    case done
}

/// Walks through an answer.
struct MockPieces: Sequence, IteratorProtocol, Sendable {
    private enum Position: Sendable {
        case begin
        case part(Int)
        case fragment(Int, part: Int)
        case choiceEnd, usage, done, over
    }

    private let answer: MockAnswer
    private var choice = 0
    private var position = Position.begin

    init(_ answer: MockAnswer) {
        self.answer = answer
        if answer.choices.isEmpty { self.position = .usage }
    }

    mutating func next() -> MockPiece? {
        switch self.position {
        case .begin:
            self.position = .part(0)
            return .begin(choice: self.choice)
        case .part(let index):
            let parts = self.answer.choices[self.choice].parts
            guard index < parts.count else {
                self.position = .choiceEnd
                return self.next()
            }
            self.position = .fragment(0, part: index)
            return .partBegin(parts[index], index: index, choice: self.choice)
        case .fragment(let number, let index):
            return self.fragment(number, of: self.answer.choices[self.choice].parts[index], index: index)
        case .choiceEnd:
            defer {
                self.choice += 1
                self.position = self.choice < self.answer.choices.count ? .begin : .usage
            }
            return .choiceEnd(self.answer.choices[self.choice].stop, choice: self.choice)
        case .usage:
            self.position = .done
            return .usage
        case .done:
            self.position = .over
            return .done
        case .over:
            return nil
        }
    }

    private mutating func fragment(_ number: Int, of part: MockAnswer.Part, index: Int) -> MockPiece {
        let text = part.text
        guard number < text.fragmentCount else {
            self.position = .part(index + 1)
            return .partEnd(part, index: index, choice: self.choice)
        }
        self.position = .fragment(number + 1, part: index)
        let before = number == 0 ? 0 : text.tokens(through: number - 1)
        return .fragment(
            text.fragment(number), of: part, index: index, number: number,
            tokens: text.tokens(through: number) - before,
            choice: self.choice)
    }
}
