// Vectors of texts: at once, and for many callers with few calls.
import Foundation
import Needletail

let environment = ProcessInfo.processInfo.environment
guard let key = environment["OPENAI_API_KEY"] else {
    print("Needs OPENAI_API_KEY, and OPENAI_BASE_URL for a mock; see Examples/Chat.")
    exit(0)
}

do {
    let provider = try HTTPProvider.connect(to: .openAI, apiKey: key, baseURL: environment["OPENAI_BASE_URL"])
    let client = ChatClient(ProviderStackBuilder(provider).withRetry().withCircuitBreaker().build())

    let two = try await client.embed(["needletail", "swift"], model: "text-embedding-3-small", dimensions: 256)
    print("\(two.vectors.count) vectors of \(two.vectors[0].count) numbers, \(two.usage?.inputTokens ?? 0) tokens")

    // A hundred callers with a text each; what comes within 20 ms is sent together.
    let jobs = BackgroundJobs()
    let batcher = EmbeddingBatcher(client, MicroBatchOptions(window: .milliseconds(20)), jobs: jobs)
    let lengths = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<100 {
            group.addTask {
                let mine = try await batcher.embed(["text \(number)"], model: "text-embedding-3-small")
                return mine.vectors[0].count
            }
        }
        var lengths: [Int] = []
        while let length = try await group.next() { lengths.append(length) }
        return lengths
    }
    print("\(lengths.count) callers have their vectors")

    await jobs.close()
    await client.close()
} catch {
    print("failed: \(error)")
    exit(1)
}
