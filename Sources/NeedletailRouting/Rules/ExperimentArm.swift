public import NeedletailCore
import Synchronization

/// One of the ways that an experiment compares.
public final class ExperimentArm: Sendable {
    /// What a reply cost; `nil` if the price is not known.
    public typealias Pricing = @Sendable (_ usage: Usage, _ provider: ProviderID, _ model: String) -> Money?

    /// The name, unique in the experiment.
    public let name: String
    /// Where it sends its requests.
    public let destination: RoutingDestination
    /// Its share, beside the other arms'.
    public let weight: Double
    private let pricing: Pricing?
    private let record: ExperimentRecord

    /// Creates an arm.
    ///
    /// - Parameters:
    ///   - weight: Its share, beside the other arms'; at least 0.
    ///   - pricing: What replies cost; `nil` if nobody knows.
    ///   - previous: Whose record it goes on with; `nil` for an arm that has seen nothing.
    public init(
        _ name: String,
        destination: RoutingDestination,
        weight: Double = 1,
        pricing: Pricing? = nil,
        previous: ExperimentArm? = nil
    ) {
        self.record = previous?.record ?? ExperimentRecord()
        self.name = name
        self.destination = destination
        self.weight = max(0, weight)
        self.pricing = pricing
    }

    /// Asks `provider` and counts what becomes of it.
    func respond(
        to request: InferenceRequest,
        context: RequestContext,
        through provider: any Provider,
        time: TimeSource
    ) async throws(NeedletailError) -> InferenceReply {
        let begin = time.now()
        self.record.state.withLock { $0.begin() }
        let reply: InferenceReply
        do {
            reply = try await provider.respond(to: request, context: context)
        } catch {
            let end: ExperimentArmState.End = Self.isNeutral(error) ? .neutral : .failed
            self.end(end, begin, time.now(), firstToken: nil, usage: nil, cost: nil)
            throw error
        }
        var firstToken: Duration?
        if case .stream = reply.body { firstToken = time.now().duration(since: begin) }
        let (provider, model, isFirst) = (reply.provider, reply.model, firstToken)
        reply.onEnd { outcome in
            let end: ExperimentArmState.End =
                switch outcome.end {
                case .finished: .succeeded
                case .failed(let error): Self.isNeutral(error) ? .neutral : .failed
                case .abandoned: .neutral
                }
            let cost = outcome.usage.flatMap { self.pricing?($0, provider, model) }
            self.end(end, begin, time.now(), firstToken: isFirst, usage: outcome.usage, cost: cost)
        }
        return reply
    }

    private func end(
        _ end: ExperimentArmState.End, _ begin: Instant, _ now: Instant, firstToken: Duration?, usage: Usage?,
        cost: Money?
    ) {
        let latency = now.duration(since: begin)
        self.record.state.withLock {
            $0.end(end, latency: latency, firstToken: firstToken, usage: usage, cost: cost)
        }
    }

    /// Whether a failure says nothing about the arm: every arm would have failed so, or the client left.
    private static func isNeutral(_ error: NeedletailError) -> Bool {
        error.code == .cancelled || (error.disposition.retry == .never && !error.disposition.blamesTarget)
    }

    /// What it has shown so far.
    var snapshot: ExperimentArmState { self.record.state.withLock { $0 } }

    /// Forgets what it has shown.
    func reset() {
        self.record.state.withLock { $0 = ExperimentArmState() }
    }
}

/// What an arm has shown, shared by the arms of successive configurations.
private final class ExperimentRecord: Sendable {
    let state = Mutex(ExperimentArmState())
}
