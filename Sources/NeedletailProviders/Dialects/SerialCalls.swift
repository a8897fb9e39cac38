import NeedletailCore

/// Brings the calls of a stream one after the other, for dialects that end a call before the next one begins.
///
/// Some servers send fragments of several calls in turn. The first stays open until its arguments are one whole JSON
/// object; what comes for others until then waits, within ``maximumWaiting`` bytes.
struct SerialCalls {
    /// What is to be written.
    enum Step {
        case start(number: Int, ToolCall)
        case fragment(number: Int, String)
        case end(number: Int)
    }

    /// The most that may wait: what a whole reply may be.
    static let maximumWaiting = 16 << 20

    private struct Open {
        var index: Int
        var number: Int
        var isCustom: Bool
        var progress = JSONObjectProgress()
        /// Whether nothing of the arguments has come.
        var isEmpty = true
        /// Free text, which becomes a member of an object once it is whole.
        var text = ""
    }

    private var open: Open?
    private var waiting: [(index: Int, call: ToolCall)] = []
    private var waitingSize = 0
    /// How many calls were begun.
    private(set) var count = 0

    /// A call begins.
    mutating func start(_ index: Int, _ call: ToolCall) -> [Step] {
        self.waiting.append((index, call))
        return self.advance()
    }

    /// More of a call's arguments; `nil` if there is no room or no such call.
    mutating func extend(_ index: Int, _ fragment: String) -> [Step]? {
        if var open = self.open, open.index == index {
            self.open = nil
            defer { self.open = open }
            guard !open.isCustom else {
                guard open.text.utf8.count + fragment.utf8.count <= Self.maximumWaiting else { return nil }
                open.text += fragment
                return []
            }
            open.isEmpty = false
            open.progress.take(fragment)
            return [.fragment(number: open.number, fragment)]
        }
        guard let place = self.waiting.lastIndex(where: { $0.index == index }),
            self.waitingSize + fragment.utf8.count <= Self.maximumWaiting
        else { return nil }
        self.waitingSize += fragment.utf8.count
        self.waiting[place].call.arguments += fragment
        return []
    }

    /// Nothing more comes for any call.
    mutating func end() -> [Step] { self.advance(isLast: true) }

    private mutating func advance(isLast: Bool = false) -> [Step] {
        var steps: [Step] = []
        while isLast || self.open?.progress.isComplete != false {
            steps += self.close()
            guard !self.waiting.isEmpty else { break }
            let (index, call) = self.waiting.removeFirst()
            self.waitingSize -= call.arguments.utf8.count
            let number = self.count
            self.count += 1
            steps.append(.start(number: number, call))
            self.open = Open(index: index, number: number, isCustom: call.isCustom)
            if !call.arguments.isEmpty, let more = self.extend(index, call.arguments) { steps += more }
        }
        return steps
    }

    private mutating func close() -> [Step] {
        guard let open = self.open else { return [] }
        self.open = nil
        guard open.isCustom else {
            let rest: [Step] = open.isEmpty ? [.fragment(number: open.number, "{}")] : []
            return rest + [.end(number: open.number)]
        }
        return [.fragment(number: open.number, Self.object(input: open.text)), .end(number: open.number)]
    }

    /// Free text as the member `input` of an object.
    static func object(input: String) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.member("input", input)
        json.endObject()
        return JSONText(unchecked: json.bytes).description
    }
}
