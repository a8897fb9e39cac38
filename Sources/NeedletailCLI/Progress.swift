import NeedletailCore
import Synchronization

/// A bar on standard error while something long runs; silent where nobody is looking, so that logs and pipes stay clean.
struct Progress {
    /// What is going on.
    let title: String
    /// Whether it is shown.
    var isShown = Terminal.error.isTerminal

    /// The times a second that it is drawn.
    private static let interval = Duration.milliseconds(100)
    private static let width = 30

    /// Runs `work` and shows how far it is.
    ///
    /// - Parameter fraction: How much is done, 0 to 1; `nil` from it where nobody knows.
    func during<Value: Sendable, Failure: Error>(
        fraction: @escaping @Sendable () -> Double? = { nil },
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        guard self.isShown else { return try work() }
        let result = await withTaskGroup(of: Result<Value, Failure>?.self) { group in
            group.addTask {
                do throws(Failure) { return .success(try work()) } catch { return .failure(error) }
            }
            group.addTask {
                var turn = 0
                while !Task.isCancelled {
                    StandardStreams.errorText("\r\(self.line(fraction(), turn))\u{1B}[K")
                    turn += 1
                    try? await TimeSource.live.sleep(TimeSource.live.now().advanced(by: Self.interval))
                }
                return nil
            }
            var result: Result<Value, Failure>?
            while result == nil, let next = await group.next() { result = next }
            group.cancelAll()
            return result
        }
        StandardStreams.errorText("\r\u{1B}[K")
        guard let result else { return try work() }
        return try result.get()
    }

    /// One picture of it, 80 columns at most.
    func line(_ fraction: Double?, _ turn: Int) -> String {
        guard let fraction else { return "\(self.title) \(["|", "/", "-", "\\"][turn % 4])" }
        let share = min(max(fraction, 0), 1)
        let done = Int(share * Double(Self.width))
        let bar = String(repeating: "#", count: done) + String(repeating: ".", count: Self.width - done)
        return "\(self.title) [\(bar)] \(Int(share * 100)) %"
    }
}
