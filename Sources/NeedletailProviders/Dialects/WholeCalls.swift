import NeedletailCore

/// Gathers the calls of a stream for dialects that send each call at once.
struct WholeCalls {
    /// The most that all calls of a reply may have in arguments: what a whole reply may be.
    static let maximumSize = 16 << 20

    private var calls: [(index: Int, call: ToolCall)] = []
    private var size = 0
    /// Whether a call was begun.
    var isEmpty: Bool { self.calls.isEmpty }

    mutating func start(_ index: Int, _ id: String, _ name: String, isCustom: Bool) {
        self.calls.append((index, ToolCall(id: id, name: name, arguments: "", isCustom: isCustom)))
    }

    /// Adds to the arguments.
    ///
    /// - Returns: Whether there was room.
    mutating func extend(_ index: Int, _ fragment: String) -> Bool {
        guard self.size + fragment.utf8.count <= Self.maximumSize,
            let place = self.calls.lastIndex(where: { $0.index == index })
        else { return false }
        self.size += fragment.utf8.count
        self.calls[place].call.arguments += fragment
        return true
    }

    /// The calls, each once.
    mutating func take() -> [ToolCall] {
        defer { self.calls = [] }
        return self.calls.map(\.call)
    }
}
