import NIOCore

/// Turns an answer into the steps of a stream, with the fault in its place.
struct MockStreamSteps: Sendable {
    private var pieces: MockPieces
    private var writer: any MockStreamWriter
    private var fault: MockFault?
    private let faultBytes: MockFaultBytes
    private let chunkDelay: Duration
    private var chunks = 0
    /// Made and not yet handed out, last first.
    private var queue: [MockStep] = []
    private var isOver = false
    /// In the chunk whose steps are in ``queue``.
    private var unsentTokens = 0
    private(set) var progress = MockProgress()

    init(
        _ answer: MockAnswer,
        writer: any MockStreamWriter,
        fault: MockFault?,
        faultBytes: MockFaultBytes,
        chunkDelay: Duration
    ) {
        self.pieces = MockPieces(answer)
        self.writer = writer
        self.fault = fault
        self.faultBytes = faultBytes
        self.chunkDelay = chunkDelay
    }

    mutating func next() -> MockStep? {
        while true {
            if let step = self.queue.popLast() {
                if self.queue.isEmpty { self.countTokens() }
                return step
            }
            guard !self.isOver else { return nil }
            guard let piece = self.pieces.next() else {
                self.isOver = true
                return .end
            }
            self.advance(piece)
        }
    }

    private mutating func advance(_ piece: MockPiece) {
        var steps: [MockStep] = []
        if let fault = self.fault, self.isPlace(fault.place, piece) {
            self.fault = nil
            self.progress.hasFaulted = true
            steps = fault.steps(self.faultBytes)
            if fault.kind.isFinal {
                self.isOver = true
                self.progress.isCutShort = true
                self.queue = steps.reversed()
                return
            }
        }
        var bytes = ByteBuffer()
        self.writer.write(piece, into: &bytes)
        if case .fragment(_, _, _, _, let tokens, _) = piece {
            self.chunks += 1
            self.unsentTokens += tokens
            if self.chunkDelay > .zero { steps.append(.wait(self.chunkDelay)) }
        }
        if bytes.readableBytes > 0 { steps.append(.bytes(bytes)) }
        self.queue = steps.reversed()
        if steps.isEmpty { self.countTokens() }
    }

    /// A token counts when its bytes are handed out, and not while the pause before them runs.
    private mutating func countTokens() {
        self.progress.outputTokens += self.unsentTokens
        self.unsentTokens = 0
    }

    private func isPlace(_ place: MockFault.Place, _ piece: MockPiece) -> Bool {
        switch (place, piece) {
        case (.firstEvent, .begin), (.beforeUsage, .usage), (.beforeDone, .done): return true
        case (.chunk(let number), .fragment): return self.chunks + 1 == number
        case (.toolArguments, .fragment(_, .toolCall, _, let number, _, _)): return number == 1
        case (.toolArguments, .partEnd(.toolCall, _, _)): return true  // arguments of one character or none
        case (.thinking, .fragment(_, .reasoning, _, let number, _, _)): return number == 1
        case (.thinking, .partEnd(.reasoning, _, _)): return true
        default: return false
        }
    }
}

/// What a dialect sends when something goes wrong.
struct MockFaultBytes: Sendable {
    var garbage: ByteBuffer
    var errorEvent: ByteBuffer
}

extension MockFault {
    /// The steps in the fault's place, after the head.
    func steps(_ bytes: MockFaultBytes) -> [MockStep] {
        switch self.kind {
        case .reset: [.reset]
        case .stall: self.duration.map { [.wait($0), .reset] } ?? [.stall]
        case .garbage: [.bytes(bytes.garbage)]
        case .errorEvent: [.bytes(bytes.errorEvent), .end]
        case .slow: [.wait(self.duration ?? .seconds(1))]
        }
    }
}

extension MockFault.Kind {
    /// Whether nothing of the answer follows.
    var isFinal: Bool {
        switch self {
        case .reset, .stall, .errorEvent: true
        case .garbage, .slow: false
        }
    }
}
