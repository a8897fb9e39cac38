public import NeedletailCore

/// Many calls with a bound on how many run at a time.
public enum Batch {
    /// How many run at a time where nobody says.
    public static let usualConcurrency = 5

    /// Calls `body` for every item and hands back what came of each, in the order of the items.
    ///
    /// A failure is its item's alone. When the task is cancelled, what runs is cancelled, and what has not begun fails with
    /// `.cancelled` without being called.
    ///
    /// - Parameters:
    ///   - concurrency: How many run at a time, at least 1. Default 5.
    ///   - onResult: Told of each result as it comes, with its item's place; calls may come from several threads, one at a
    ///     time.
    public static func run<Item: Sendable, Value: Sendable>(
        _ items: [Item],
        concurrency: Int = Self.usualConcurrency,
        onResult: (@Sendable (_ index: Int, _ result: Result<Value, NeedletailError>) -> Void)? = nil,
        _ body: @escaping @Sendable (_ item: Item) async throws(NeedletailError) -> Value
    ) async -> [Result<Value, NeedletailError>] {
        let cancelled = NeedletailError(.cancelled, "The batch was cancelled before this item's turn.")
        var results = [Result<Value, NeedletailError>](repeating: .failure(cancelled), count: items.count)
        await withTaskGroup(of: (Int, Result<Value, NeedletailError>).self) { group in
            var next = 0
            func start() {
                guard next < items.count, !Task.isCancelled else { return }
                let (index, item) = (next, items[next])
                next += 1
                group.addTask {
                    do throws(NeedletailError) {
                        return (index, .success(try await body(item)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for _ in 0..<min(items.count, max(1, concurrency)) { start() }
            while let (index, result) = await group.next() {
                results[index] = result
                onResult?(index, result)
                start()
            }
            for index in next..<max(next, items.count) { onResult?(index, .failure(cancelled)) }
        }
        return results
    }
}
