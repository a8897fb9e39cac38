import HTTPTypes
import NIOCore
import NeedletailCore
import Synchronization

/// Posts what was recorded to somebody who collects it, and tries again where that may help, as
/// [OTLP over HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp) says.
final class OTLPClient: Sendable {
    /// How a collector is reached.
    struct Endpoint: Sendable {
        var transport: any HTTPTransport
        var path: String
        var headers: HTTPFields
        /// For one try. Default 10 s.
        var timeout: Duration = .seconds(10)
        /// The statuses after which another try may help.
        var retried: Set<Int> = [429, 502, 503, 504]
    }

    /// How often a batch is tried: with the pauses below some 30 s, in which the queue goes on filling.
    static let maximumTries = 5
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(16)
    /// What is read of an answer.
    private static let maximumAnswer = 64 << 10

    private let endpoint: Endpoint
    private let time: TimeSource
    private let random: RandomSource
    private let failures = Atomic<Int>(0)
    private let sent = Atomic<Int>(0)

    init(_ endpoint: Endpoint, time: TimeSource, random: RandomSource) {
        self.endpoint = endpoint
        self.time = time
        self.random = random
    }

    /// Tries that failed.
    var failedTries: Int { self.failures.load(ordering: .relaxed) }
    /// Batches that arrived.
    var sentBatches: Int { self.sent.load(ordering: .relaxed) }

    /// Sends a batch, more than once where that may help.
    ///
    /// - Parameters:
    ///   - headers: What goes with this batch, beside the headers of all.
    ///   - tries: How often at most.
    /// - Returns: Whether the collector took it.
    func send(
        _ body: ByteBuffer, headers: HTTPFields = [:], tries: Int = OTLPClient.maximumTries
    ) async -> Bool {
        var pause = Self.firstPause
        var all = self.endpoint.headers
        all.append(contentsOf: headers)
        for number in 1...max(1, tries) {
            switch await self.attempt(body, all) {
            case .taken:
                self.sent.wrappingAdd(1, ordering: .relaxed)
                return true
            case .refused:
                self.failures.wrappingAdd(1, ordering: .relaxed)
                return false
            case .again(let wait):
                self.failures.wrappingAdd(1, ordering: .relaxed)
                guard number < tries, !Task.isCancelled else { return false }
                let chosen = min(wait ?? pause * (0.5 + self.random.unit() / 2), Self.longestPause)
                do { try await self.time.sleep(self.time.now().advanced(by: chosen)) } catch { return false }
                pause = min(pause * 2, Self.longestPause)
            }
        }
        return false
    }

    private enum Answer {
        case taken
        case refused
        case again(after: Duration?)
    }

    private func attempt(_ body: ByteBuffer, _ headers: HTTPFields) async -> Answer {
        let timeout = self.endpoint.timeout
        do {
            let response = try await self.endpoint.transport.send(
                TransportRequest(
                    method: .post, path: self.endpoint.path, headers: headers, body: body,
                    timeouts: Timeouts(connect: timeout, firstToken: timeout, idle: timeout, total: timeout),
                    deadline: self.time.now().advanced(by: timeout)))
            _ = await response.body.prefix(Self.maximumAnswer)
            switch response.status {
            case 200..<300: return .taken
            case let status where self.endpoint.retried.contains(status):
                return .again(after: response.headers[.retryAfter].flatMap { Int($0) }.map { .seconds(max(0, $0)) })
            default: return .refused
            }
        } catch {
            return error.code == .cancelled ? .refused : .again(after: nil)
        }
    }
}
