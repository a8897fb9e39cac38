import HTTPTypes
import NIOCore
import NeedletailCore
import Synchronization

/// A mock upstream without sockets and clocks: requests in, steps out. The same script and the same order of requests
/// give the same bytes.
public final class MockEngine: Sendable {
    /// What it was told to do.
    public let script: MockScript
    /// What it has served.
    public let statistics = MockStatistics()
    /// How often each rule's conditions were met.
    private let matches: Mutex<[Int]>

    /// Creates an upstream.
    public init(script: MockScript = MockScript()) {
        self.script = script
        self.matches = Mutex(Array(repeating: 0, count: script.rules.count))
    }

    /// Starts again: statistics and the counters behind `nth` and `every`.
    public func reset() {
        self.statistics.reset()
        self.matches.withLock { matches in
            for index in matches.indices { matches[index] = 0 }
        }
    }

    /// Decides what happens with `request`.
    public func reply(to request: MockRequest) -> MockReply {
        let call = self.call(request)
        return call.reply(self.rule(for: call))
    }

    /// What a rule of the script makes of `request`; `nil` when none matches, so that somebody else is to answer.
    public func scriptedReply(to request: MockRequest) -> MockReply? {
        guard !self.script.rules.isEmpty else { return nil }
        let call = self.call(request)
        return self.rule(for: call).map { call.reply($0) }
    }

    private func call(_ request: MockRequest) -> MockCall {
        let path = request.barePath
        let body: JSONDocument? = request.body.readableBytes == 0 ? nil : try? JSONDocument(request.body)
        var found: (dialect: any MockDialect.Type, operation: MockOperation)?
        for dialect in MockDialects.all where found == nil {
            if let operation = dialect.operation(method: request.method, path: path, headers: request.headers) {
                found = (dialect, operation)
            }
        }
        return MockCall(
            script: self.script,
            request: request,
            path: path,
            body: body?.root,
            dialect: found?.dialect ?? MockDialects.fallback(path: path, headers: request.headers),
            operation: found?.operation
        )
    }

    /// The first rule that matches; counts the match.
    private func rule(for call: MockCall) -> MockRule? {
        guard !self.script.rules.isEmpty else { return nil }
        return self.matches.withLock { matches in
            for (index, rule) in self.script.rules.enumerated() where call.meets(rule.match) {
                matches[index] &+= 1
                if self.isTurn(rule.match, number: matches[index], rule: index) { return rule }
            }
            return nil
        }
    }

    private func isTurn(_ match: MockMatch, number: Int, rule: Int) -> Bool {
        if let nth = match.nth, nth != number { return false }
        if let every = match.every, every < 1 || number % every != 0 { return false }
        guard let probability = match.probability else { return true }
        let roll = MockRandom.combine(self.script.seed, MockRandom.combine(UInt64(rule), UInt64(number)))
        return Double(roll >> 11) / Double(UInt64(1) << 53) < probability
    }
}
