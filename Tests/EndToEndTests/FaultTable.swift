import NeedletailGateway
import Testing

/// What goes wrong in an upstream's stream.
enum FaultKind: String, CaseIterable, Sendable {
    case cut
    case stall
    case garbage
    case error = "error event"

    var mock: MockFault.Kind {
        switch self {
        case .cut: .reset
        case .stall: .stall
        case .garbage: .garbage
        case .error: .errorEvent
        }
    }
}

/// Where.
enum FaultPoint: String, CaseIterable, Sendable {
    case headers = "before headers"
    case firstEvent = "before the first event"
    case text = "mid text"
    case toolArguments = "inside tool arguments"
    case thinking = "inside thinking"
    case usage = "before usage"
    case end = "before the end marker"

    var mock: MockFault.Place {
        switch self {
        case .headers: .headers
        case .firstEvent: .firstEvent
        case .text: .chunk(3)
        case .toolArguments: .toolArguments
        case .thinking: .thinking
        case .usage: .beforeUsage
        case .end: .beforeDone
        }
    }

    /// Whether nothing has reached the client yet.
    var isBeforeCommit: Bool { self == .headers || self == .firstEvent }

    /// Whether an upstream of `dialect` has said at this point why every choice ended. Anthropic says it with the usage,
    /// OpenAI before it.
    func isAfterStopReason(_ dialect: Surface) -> Bool { self == .end || (self == .usage && dialect == .openAI) }
}

/// One row of the table in `docs/streams.md`.
struct FaultCase: Sendable, CustomTestStringConvertible {
    /// What the client gets.
    enum Outcome: Sendable, Equatable {
        /// A status instead of the stream.
        case status(Failure)
        /// What came so far, then the dialect's error event.
        case errorEvent(Failure)
        /// The whole reply with the dialect's end marker.
        case whole
    }

    var point: FaultPoint
    var kind: FaultKind
    var upstream: Surface

    var testDescription: String { "\(self.kind.rawValue) \(self.point.rawValue), \(self.upstream) upstream" }

    static let all = FaultPoint.allCases.flatMap { point in
        FaultKind.allCases.flatMap { kind in
            Surface.allCases.map { FaultCase(point: point, kind: kind, upstream: $0) }
        }
    }

    private var failure: Failure {
        switch self.kind {
        case .cut, .garbage: .broken
        case .stall: .timeout
        // What the mock says: OpenAI's 500 `server_error`, Anthropic's 529 `overloaded_error`.
        case .error: self.upstream == .openAI ? .broken : .overloaded
        }
    }

    var outcome: Outcome {
        if self.point.isBeforeCommit { return .status(self.failure) }
        if self.kind != .error, self.point.isAfterStopReason(self.upstream) { return .whole }
        return .errorEvent(self.failure)
    }

    /// How often the upstream is asked where two attempts are allowed. A lone upstream that talks garbage is not asked
    /// again: it would talk garbage again.
    var calls: Int { self.point.isBeforeCommit && self.kind != .garbage ? 2 : 1 }

    /// The row in `docs/streams.md`.
    var row: String {
        let calls = self.calls == 1 ? "no" : "yes"
        let cells =
            switch self.outcome {
            case .status(let failure):
                Surface.allCases.map { surface in
                    let type = surface == .openAI ? failure.rawValue : failure.anthropicType
                    return "\(failure.status(surface)) `\(type)`"
                }
            case .errorEvent(let failure):
                ["error event `\(failure.rawValue)`", "error event `\(failure.anthropicType)`"]
            case .whole: ["whole, `[DONE]`", "whole, `message_stop`"]
            }
        let front = [self.point.rawValue, self.kind.rawValue, self.upstream.rawValue, calls]
        return "| " + (front + cells).joined(separator: " | ") + " |"
    }
}
