public import NIOCore

/// One thing that a mock upstream does on the wire.
public enum MockStep: Sendable, Hashable {
    /// Sends bytes.
    case bytes(ByteBuffer)
    /// Does nothing for a while.
    case wait(Duration)
    /// Does nothing any more.
    case stall
    /// Sends, in the place of a head, what is no HTTP.
    case garbledHead
    /// Breaks the connection.
    case reset
    /// Ends the message properly.
    case end
}

/// How far a reply has come, for the statistics.
public struct MockProgress: Sendable, Hashable {
    /// Output tokens in what was handed out so far.
    public var outputTokens = 0
    /// Whether the fault has been played.
    public var hasFaulted = false
    /// Whether the fault has cut the reply short, so that its end is no success.
    public var isCutShort = false
}

/// The steps after the head, made one at a time: a stream of any length costs the memory of one event.
public struct MockSteps: Sequence, IteratorProtocol, Sendable {
    private enum Source: Sendable {
        case list([MockStep], faultAt: Int?, isCutShort: Bool)
        case stream(MockStreamSteps)
    }

    private var source: Source
    private var position = 0
    /// How far it has come.
    public private(set) var progress = MockProgress()

    init(_ list: [MockStep], faultAt: Int? = nil, isCutShort: Bool = false) {
        self.source = .list(list, faultAt: faultAt, isCutShort: isCutShort)
    }

    init(_ stream: MockStreamSteps) {
        self.source = .stream(stream)
    }

    /// The next step; the last one is ``MockStep/end``, ``MockStep/reset`` or ``MockStep/stall``.
    public mutating func next() -> MockStep? {
        switch self.source {
        case .list(let list, let faultAt, let isCutShort):
            guard self.position < list.count else { return nil }
            defer { self.position += 1 }
            if self.position == faultAt {
                self.progress.hasFaulted = true
                self.progress.isCutShort = isCutShort
            }
            return list[self.position]
        case .stream(var stream):
            self.source = .list([], faultAt: nil, isCutShort: false)  // so that `stream` is not copied on its change
            defer { self.source = .stream(stream) }
            let step = stream.next()
            self.progress = stream.progress
            return step
        }
    }
}

extension MockProgress {
    /// Goes on to where the steps are, keeping what happened before them.
    mutating func take(_ steps: MockProgress) {
        self.outputTokens = steps.outputTokens
        self.hasFaulted = self.hasFaulted || steps.hasFaulted
        self.isCutShort = self.isCutShort || steps.isCutShort
    }
}
