import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

/// A provider that remembers who issued what, another realm beside it, and an upstream that answers as it is told.
struct StateBench {
    let table: IssuedStateTable
    let bench: Bench
    let model: String

    init(
        _ spec: ProviderSpec,
        model: String = "m",
        dialect: DialectID? = nil,
        account: String = "mine",
        isAlone: Bool = false,
        settings: [String: String] = [:],
        table: IssuedStateTable? = nil,
        _ answer: @escaping @Sendable (TransportRequest) async throws(NeedletailError) -> TransportResponse = { _ in
            json("{}", status: 500)
        }
    ) {
        let table = table ?? IssuedStateTable(time: JumpingTime().source, random: .seeded(1))
        self.table = table
        self.model = model
        self.bench = Bench(
            spec,
            options: .init(
                keys: [("sk", 1)], dialect: dialect, settings: settings, issuedState: table, account: account),
            answer)
        if !isAlone { _ = table.join("account of another") }
    }

    /// Who reads what the provider issues.
    var realm: StateRealm {
        get throws { try #require(self.bench.provider.stateIssuer).realm(of: self.model) }
    }

    /// Lets the provider have issued `own`, and another what is `foreign`.
    func issue(own: [String] = [], foreign: [String] = []) throws {
        for state in own { self.table.note(state, issuedBy: try self.realm) }
        for state in foreign { self.table.note(state, issuedBy: self.table.join("account of another")) }
    }

    /// What the upstream is sent for a request that it then fails, and what of it was lost.
    func call(
        _ body: String, _ dialect: DialectID, isStrict: Bool = false
    ) async throws -> (
        body: String, losses: [String]
    ) {
        let isModelInPath = dialect == .gemini || dialect == .bedrockConverse
        var request = try RequestPeek.read(
            ByteBuffer(string: body), dialect: dialect, operation: .chat, model: isModelInPath ? "x" : nil,
            isStreaming: isModelInPath ? false : nil)
        request.model = self.model
        let call = try await self.bench.provider.call(for: request, context: .testing(isStrict: isStrict))
        return (String(buffer: call.body), call.losses.map(\.field))
    }
}
