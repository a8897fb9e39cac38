import DequeModule
public import NeedletailCore

/// Lines on their way to the ledger. Pure.
///
/// Bounded, and nothing is ever dropped: once it is full, further lines that are alike in all that is asked for (key, tenant,
/// provider, model, how they ended) are added up, so that sums stay right while the store is away. Of alike lines there may
/// be as many as ``maximumSums``; beyond it all others are added up in one.
public struct LedgerBuffer: Sendable {
    /// Sums that are kept apart.
    public static let maximumSums = 4_096

    private struct Kind: Hashable {
        var key = ""
        var tenant = ""
        var team = ""
        var tags: [String] = []
        var provider = "other"
        var model = "other"
        var operation = ""
        var outcome = ""
        var accuracy: Cost.Accuracy?
        var hasCost = false

        init() {}

        init(_ line: LedgerLine) {
            self.key = line.key
            self.tenant = line.tenant
            self.team = line.team
            self.tags = line.tags
            self.provider = line.provider
            self.model = line.model
            self.operation = line.operation
            self.outcome = line.outcome
            self.accuracy = line.cost?.accuracy
            self.hasCost = line.cost != nil
        }
    }

    private let limit: Int
    private let batchSize: Int
    /// The lines in the batches that they are taken out in, so that none is moved again; none is empty, and all but those
    /// that were put back are full, the last one aside.
    private var batches: Deque<[LedgerLine]> = []
    /// Lines that wait and are no sums.
    public private(set) var lineCount = 0
    private var sums: [Kind: LedgerLine] = [:]

    /// Creates an empty buffer.
    ///
    /// - Parameters:
    ///   - limit: Lines that are kept apart; at least 1.
    ///   - batchSize: Lines that are taken out at a time; at least 1. Default 1,024.
    public init(limit: Int, batchSize: Int = 1_024) {
        self.limit = max(1, limit)
        self.batchSize = max(1, batchSize)
    }

    /// Lines that wait, sums included.
    public var count: Int { self.lineCount + self.sums.count }
    /// Calls that are only known as parts of sums.
    public var summedCalls: Int { self.sums.values.reduce(0) { $0 + $1.calls } }

    /// Adds a line.
    public mutating func append(_ line: consuming LedgerLine) {
        guard self.lineCount >= self.limit else {
            self.lineCount += 1
            if let last = self.batches.indices.last, self.batches[last].count < self.batchSize {
                self.batches[last].append(line)
            } else {
                // Room at once for what comes in a busy moment: a batch that grows is copied each time.
                var batch: [LedgerLine] = []
                batch.reserveCapacity(min(self.batchSize, 64))
                batch.append(line)
                self.batches.append(batch)
            }
            return
        }
        self.addUp(line)
    }

    private mutating func addUp(_ line: LedgerLine) {
        var kind = Kind(line)
        if self.sums.count >= Self.maximumSums, self.sums[kind] == nil { kind = Kind() }
        guard var sum = self.sums[kind] else {
            var first = line
            if kind == Kind() {
                first.key = ""
                first.tenant = ""
                first.team = ""
                first.tags = []
                first.provider = kind.provider
                first.model = kind.model
            }
            first.lost = []
            first.requestID = ""
            first.user = ""
            first.siblings = .unknown
            self.sums[kind] = first
            return
        }
        sum.calls += line.calls
        sum.wallMilliseconds = max(sum.wallMilliseconds, line.wallMilliseconds)
        sum.isOverHold = sum.isOverHold || line.isOverHold
        if let cost = line.cost { sum.cost = sum.cost.map { $0 + cost } ?? cost }
        if let usage = line.usage { sum.usage = sum.usage.map { $0.adding(usage) } ?? usage }
        self.sums[kind] = sum
    }

    /// Takes out the oldest lines.
    ///
    /// - Returns: At most a batch of them; empty where there are only sums.
    public mutating func takeBatch() -> [LedgerLine] {
        guard let batch = self.batches.popFirst() else { return [] }
        self.lineCount -= batch.count
        return batch
    }

    /// Takes out the sums.
    public mutating func takeSums() -> [LedgerLine] {
        let sums = Array(self.sums.values)
        self.sums.removeAll()
        return sums
    }

    /// Puts back sums that could not be written.
    public mutating func putBack(sums: [LedgerLine]) {
        for sum in sums { self.addUp(sum) }
    }

    /// Puts back, in front, what could not be written. Beyond the limit the newest lines are added up.
    public mutating func putBack(_ batch: [LedgerLine]) {
        guard !batch.isEmpty else { return }
        self.batches.prepend(batch)
        self.lineCount += batch.count
        var surplus: [LedgerLine] = []
        while self.lineCount > self.limit, let last = self.batches.indices.last {
            surplus.append(self.batches[last].removeLast())
            self.lineCount -= 1
            if self.batches[last].isEmpty { self.batches.removeLast() }
        }
        for line in surplus.reversed() { self.addUp(line) }
    }
}

extension Usage {
    /// The sum of the counts that the ledger keeps.
    fileprivate func adding(_ other: Usage) -> Usage {
        func sum(_ left: Int, _ right: Int) -> Int {
            let (sum, overflow) = left.addingReportingOverflow(right)
            return overflow ? .max : sum
        }
        func sum(_ left: Int?, _ right: Int?) -> Int? {
            guard left != nil || right != nil else { return nil }
            return sum(left ?? 0, right ?? 0)
        }
        var usage = Usage(
            inputTokens: sum(self.inputTokens, other.inputTokens),
            outputTokens: sum(self.outputTokens, other.outputTokens))
        usage.cachedInputTokens = sum(self.cachedInputTokens, other.cachedInputTokens)
        usage.cacheWriteTokens = sum(self.cacheWriteTokens, other.cacheWriteTokens)
        usage.cacheWrite1hTokens = sum(self.cacheWrite1hTokens, other.cacheWrite1hTokens)
        usage.reasoningTokens = sum(self.reasoningTokens, other.reasoningTokens)
        usage.webSearches = sum(self.webSearches, other.webSearches)
        return usage
    }
}
