import Logging
import NeedletailCore

/// Records to show.
enum RecordSamples {
    static func info(_ id: String = "req_1", key: String? = "dev") -> RequestInfo {
        RequestInfo(
            id: id, keyName: key, tenant: "red",
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    static func usage(_ input: Int = 12, _ output: Int = 34) -> Usage {
        var usage = Usage(inputTokens: input, outputTokens: output)
        usage.cachedInputTokens = 5
        return usage
    }

    static func attempt(
        _ info: RequestInfo = RecordSamples.info(), provider: ProviderID = "main", model: String = "gpt",
        number: Int = 1, cause: AttemptCause = .first, wasSent: Bool = true, error: NeedletailError? = nil,
        usage: Usage? = RecordSamples.usage(), isStreaming: Bool = false, trace: TraceContext? = nil
    ) -> AttemptRecord {
        AttemptRecord(
            request: info, provider: provider, model: model, isStreaming: isStreaming, number: number, cause: cause,
            wasSent: wasSent, start: Instant(nanoseconds: 1_000_000_000), duration: .milliseconds(100),
            timeToFirstToken: isStreaming ? .milliseconds(20) : nil,
            outcome: Outcome(error.map { .failed($0) } ?? .finished, usage: error == nil ? usage : nil),
            isCommitted: error == nil, dialect: .openAIChat, trace: trace)
    }

    static func request(
        _ info: RequestInfo = RecordSamples.info(), model: String = "asked", attempts: [AttemptRecord] = [],
        error: NeedletailError? = nil, usage: Usage? = RecordSamples.usage(), isStreaming: Bool = false,
        losses: [Loss] = [], trace: TraceContext? = nil
    ) -> RequestRecord {
        RequestRecord(
            request: info, surface: .openAIChat, isStreaming: isStreaming, model: model,
            provider: error == nil ? "main" : error?.provider, answeredModel: error == nil ? "gpt" : nil,
            attempts: attempts, status: error?.disposition.status ?? 200,
            outcome: Outcome(error.map { .failed($0) } ?? .finished, usage: error == nil ? usage : nil),
            isCommitted: error == nil, losses: losses, start: Instant(nanoseconds: 990_000_000),
            endWallNanoseconds: 1_700_000_000_123_456_789, duration: .milliseconds(120),
            timeToFirstToken: isStreaming ? .milliseconds(21) : nil, waited: .milliseconds(110),
            overhead: .microseconds(150), trace: trace)
    }
}
