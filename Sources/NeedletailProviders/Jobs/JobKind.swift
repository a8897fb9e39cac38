public import NeedletailCore

/// An upstream that takes jobs instead of answering at once.
public enum JobKind: Sendable, Hashable {
    /// Predictions: <https://replicate.com/docs/reference/http#predictions.create>.
    case predictions
    /// A queue in front of a worker that speaks OpenAI's dialect: <https://docs.runpod.io/serverless/endpoints/send-requests>.
    case queue

    /// A transport that answers chat completions with jobs.
    ///
    /// - Parameters:
    ///   - transport: Where the jobs are created.
    ///   - connect: Makes a transport for another origin, where a job's stream may be.
    ///   - cancellations: Gets what must still be sent when nobody waits any more.
    public func transport(
        over transport: any HTTPTransport,
        connect: @escaping @Sendable (_ url: String) throws(NeedletailError) -> any HTTPTransport,
        cancellations: JobCancellations,
        time: TimeSource
    ) -> any HTTPTransport {
        let client = JobClient(transport: transport, cancellations: cancellations, time: time)
        return switch self {
        case .predictions: PredictionTransport(client, connect: connect)
        case .queue: QueueTransport(client)
        }
    }
}
