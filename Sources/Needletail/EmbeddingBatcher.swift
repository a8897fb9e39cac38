public import NeedletailCore
import NeedletailProviders
public import NeedletailRouting

/// Makes vectors for many callers with few calls: what comes within a window is sent together, and each caller gets its
/// own part and its part of the tokens.
///
/// A caller who leaves harms no other, and neither does one whose text the provider refuses: then each is asked for alone.
/// Texts that ask for another model, length or purpose go separately.
public final class EmbeddingBatcher: Sendable {
    /// What must be equal for texts to go together.
    private struct Kind: Hashable {
        var model: String
        var dimensions: Int?
        var purpose: String?
    }

    /// One text's vector, and its part of the call.
    private struct Part: Sendable {
        var vector: [Float]
        var tokens: Int?
        var provider: ProviderID
        var model: String
        var losses: [Loss]
    }

    private let batcher: MicroBatcher<Kind, String, Part>

    /// Creates a batcher.
    ///
    /// - Parameters:
    ///   - client: Who makes the calls.
    ///   - options: How long to wait for others, and how much to join.
    ///   - jobs: Runs the calls.
    public convenience init(_ client: ChatClient, _ options: MicroBatchOptions = .init(), jobs: BackgroundJobs) {
        self.init(client, options, runner: jobs.runner, time: .live)
    }

    /// Creates a batcher with a scope and a clock of the caller's.
    public init(_ client: ChatClient, _ options: MicroBatchOptions = .init(), runner: JobRunner, time: TimeSource) {
        self.batcher = MicroBatcher(options, runner: runner, time: time) { kind, texts throws(NeedletailError) in
            let all = try await client.embed(
                texts, model: kind.model, dimensions: kind.dimensions, purpose: kind.purpose)
            let tokens = all.usage.map { Self.shares(of: $0.inputTokens, by: texts.map(\.utf8.count)) }
            return all.vectors.enumerated().map { index, vector in
                Part(
                    vector: vector, tokens: tokens?[index], provider: all.provider, model: all.model,
                    losses: all.losses)
            }
        }
    }

    /// Makes vectors of texts, together with what others ask for.
    ///
    /// - Throws: As ``ChatClient/embed(_:model:dimensions:purpose:)``; `.unavailable` when too much waits already.
    public func embed(
        _ texts: [String], model: String, dimensions: Int? = nil, purpose: String? = nil
    ) async throws(NeedletailError) -> Embeddings {
        let parts = try await self.batcher.submit(
            texts, key: Kind(model: model, dimensions: dimensions, purpose: purpose))
        guard let first = parts.first else {
            throw NeedletailError(.invalidRequest, "There is nothing to make vectors of.", parameter: "input")
        }
        let tokens = parts.compactMap(\.tokens)
        return Embeddings(
            vectors: parts.map(\.vector), provider: first.provider, model: first.model,
            usage: tokens.count == parts.count ? Usage(inputTokens: tokens.reduce(0, +)) : nil, losses: first.losses)
    }

    /// Shares out a sum by weight, so that the shares are whole and sum to it (largest remainder).
    static func shares(of sum: Int, by weights: [Int]) -> [Int] {
        let total = weights.reduce(0) { $0 + Int128(max(1, $1)) }
        guard total > 0 else { return [] }
        let exact = weights.map { Int128(sum) * Int128(max(1, $0)) }
        var shares = exact.map { Int($0 / total) }
        let order = exact.indices.sorted { (exact[$0] % total, $1) > (exact[$1] % total, $0) }
        for index in order.prefix(max(0, sum - shares.reduce(0, +))) { shares[index] += 1 }
        return shares
    }
}
