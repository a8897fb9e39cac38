import Logging
import NIOCore
public import NeedletailCore

/// The clients of a simulation: they ask as the traffic says, read, and sometimes leave.
public struct SimulatedClients: Sendable {
    private let provider: any Provider
    private let traffic: [TrafficModel]
    private let duration: Duration
    private let seed: UInt64
    private let time: TimeSource
    private let observer: any SimulationObserver
    private static let logger = Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Creates clients.
    ///
    /// - Parameters:
    ///   - provider: Who is asked.
    ///   - traffic: What is asked for, and how often.
    ///   - duration: How long clients begin to ask; those that have begun are waited for.
    public init(
        of provider: any Provider,
        traffic: [TrafficModel],
        duration: Duration,
        seed: UInt64,
        time: TimeSource,
        observer: any SimulationObserver
    ) {
        self.provider = provider
        self.traffic = traffic
        self.duration = duration
        self.seed = seed
        self.time = time
        self.observer = observer
    }

    /// Asks until the time is over and all have their answer.
    public func run() async {
        await withDiscardingTaskGroup { group in
            for (index, traffic) in self.traffic.enumerated() {
                group.addTask { await self.send(traffic, index) }
            }
        }
    }

    private func send(_ traffic: TrafficModel, _ index: Int) async {
        let start = self.time.now()
        let end = start.advanced(by: min(self.duration, traffic.until ?? self.duration))
        var random = SplitMix(self.seed.seed(of: "traffic \(index)"))
        var next = start.advanced(by: traffic.from)
        var number = 0
        await withDiscardingTaskGroup { group in
            while true {
                next = next.advanced(by: traffic.pause(random.unit()))
                guard next < end else { return }
                guard traffic.comes(at: next.duration(since: start), random.unit()) else { continue }
                do { try await self.time.sleep(next) } catch { return }
                number += 1
                let (id, draw) = ("\(index)-\(number)", random.next())
                group.addTask { await self.ask(id, traffic, SplitMix(draw)) }
            }
        }
    }

    private func ask(_ id: String, _ traffic: TrafficModel, _ random: SplitMix) async {
        var random = random
        let now = self.time.now()
        let request = InferenceRequest(
            operation: .chat,
            model: traffic.model,
            isStreaming: random.unit() < traffic.streamed,
            maxOutputTokens: Int.random(in: traffic.outputTokens, using: &random),
            estimatedInputTokens: Int.random(in: traffic.inputTokens, using: &random),
            body: .wire(WireBody(dialect: .openAIChat, bytes: Self.body), BodyLandmarks()),
            replyDialect: .openAIChat
        )
        let info = RequestInfo(id: id, keyName: traffic.key, logger: Self.logger)
        let context = RequestContext(info, deadline: traffic.timeout.map { now.advanced(by: $0) })
        let tokens = Usage(
            inputTokens: request.estimatedInputTokens, outputTokens: request.maxOutputTokens ?? 0)
        self.observer.record(
            .requestBegan(id: id, model: traffic.model, tokens: tokens, deadline: context.deadline), at: now)
        guard random.unit() < traffic.leaving else { return await self.read(request, context, nil) }
        // Some close the connection at some time, some after some of the answer.
        if random.unit() < 0.5 { return await self.read(request, context, Int.random(in: 0...8, using: &random)) }
        let patience = Duration.milliseconds(Int.random(in: 0...8_000, using: &random))
        await withTaskGroup { race in
            race.addTask { await self.read(request, context, nil) }
            race.addTask { try? await self.time.sleep(now.advanced(by: patience)) }
            await race.next()
            race.cancelAll()
        }
    }

    private static let body = ByteBuffer(string: #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#)

    /// - Parameter chunks: How many chunks are read before the client leaves; `nil` for all.
    private func read(_ request: InferenceRequest, _ context: RequestContext, _ chunks: Int?) async {
        var provider: ProviderID?
        var firstByte: Instant?
        let end: SimulationEvent.End
        do {
            let reply = try await self.provider.respond(to: request, context: context)
            provider = reply.provider
            firstByte = self.time.now()
            end = try await Self.read(reply, chunks) ? .finished : .abandoned
        } catch {
            end = error.code == .cancelled ? .abandoned : provider == nil ? .failed(error) : .broken(error)
        }
        self.observer.record(
            .requestEnded(
                id: context.id, end, attempts: context.request.attempts, provider: provider, firstByte: firstByte),
            at: self.time.now())
    }

    /// Whether the answer was read to its end.
    private static func read(_ reply: InferenceReply, _ chunks: Int?) async throws(NeedletailError) -> Bool {
        guard case .stream(let stream) = reply.body else { return true }
        var iterator = stream.makeAsyncIterator()
        var rest = chunks ?? .max
        while rest > 0 {
            guard try await iterator.next() != nil else { return true }
            rest -= 1
        }
        return false
    }
}
