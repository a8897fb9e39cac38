import NIOCore
import NeedletailCore

/// A stream whose chunks come at their times.
final class SimulatedReader: ReplyReader {
    /// What comes next.
    enum Step {
        /// A part of the answer.
        case chunk(after: Duration)
        /// The end of the answer.
        case last(after: Duration)
        /// Nothing more.
        case fail(NeedletailError, after: Duration)
    }

    /// A whole answer.
    static let whole = ByteBuffer(
        string: #"{"id":"sim","object":"chat.completion","created":0,"model":"sim","choices":[{"index":0,"message":"#
            + #"{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}"#)
    private static let chunk = ByteBuffer(
        string: #"data: {"id":"sim","object":"chat.completion.chunk","created":0,"model":"sim","choices":[{"index":0,"#
            + #""delta":{"role":"assistant","content":"ok "},"finish_reason":null}]}"# + "\n\n")
    private static let last = ByteBuffer(
        string: #"data: {"id":"sim","object":"chat.completion.chunk","created":0,"model":"sim","choices":[{"index":0,"#
            + #""delta":{},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n")

    private var steps: ArraySlice<Step>
    private let wait: SimulatedWait
    private let usage: Usage
    private let count: Int
    private let ending: StreamEnding
    private var sent = 0

    /// Creates a reader.
    ///
    /// - Parameters:
    ///   - usage: What the whole answer takes.
    ///   - ending: Where what has been sent so far is recorded.
    init(steps: [Step], deadline: Instant?, time: TimeSource, usage: Usage, ending: StreamEnding) {
        self.steps = steps[...]
        self.wait = SimulatedWait(time: time, deadline: deadline)
        self.usage = usage
        self.count = max(1, steps.count - 1)
        self.ending = ending
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        switch self.steps.popFirst() {
        case .chunk(let pause):
            if pause > .zero { try await self.wait.wait(pause, limit: nil) }
            self.sent += 1
            self.bill(self.usage.outputTokens * self.sent / self.count)
            return Self.chunk
        case .last(let pause):
            try await self.wait.wait(pause, limit: nil)
            self.bill(self.usage.outputTokens)
            return Self.last
        case .fail(let error, let pause):
            try await self.wait.wait(pause, limit: nil)
            throw error
        case nil:
            return nil
        }
    }

    private func bill(_ output: Int) {
        self.ending.setUsage(Usage(inputTokens: self.usage.inputTokens, outputTokens: output))
    }
}
