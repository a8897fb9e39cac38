package import NeedletailCore

/// Lines of the ledger, added up in memory by the hour and each of what costs are told apart by, before they are written. Pure.
///
/// Lines that are alike are added up first, so that the work grows with the kinds of lines there are and not with the lines.
package struct LedgerSums {
    /// What sums are told apart by; the raw value is what the store has.
    package enum Dimension: String, Sendable, Hashable, CaseIterable {
        /// Nothing: all lines of the hour.
        case all
        case key, tenant, team, tag, model, provider, operation, accuracy, outcome

        /// The one for a dimension of a question; `nil` where none is kept.
        package init?(_ dimension: CostQuestion.Dimension) {
            switch dimension {
            case .key: self = .key
            case .tenant: self = .tenant
            case .team: self = .team
            case .tag: self = .tag
            case .model: self = .model
            case .provider: self = .provider
            case .operation: self = .operation
            case .accuracy: self = .accuracy
            case .outcome: self = .outcome
            // Of users there may be as many as lines; a day is hours; what was lost is rarely asked.
            case .user, .day, .lost: return nil
            }
        }
    }

    /// What the sums tell lines apart by.
    package struct Traits: Sendable {
        /// The hour since 1970 in which the call ended.
        package var hour: Int64
        package var key: String
        package var tenant: String
        package var team: String
        /// As the store has them: a JSON array, or empty.
        package var tags: String
        package var model: String
        package var provider: String
        package var operation: String
        package var accuracy: String
        package var outcome: String

        /// The hour of a time in milliseconds; one below zero has none of its own.
        package static func hour(of milliseconds: Int64) -> Int64 {
            milliseconds < 0 ? -1 : milliseconds / LedgerSums.hour
        }

        /// What the line is added to in a dimension; a tag may be there twice.
        package func values(_ dimension: Dimension) -> [String] {
            switch dimension {
            case .all: [""]
            case .key: [self.key]
            case .tenant: [self.tenant]
            case .team: [self.team]
            case .tag: LedgerSums.tags(self.tags)
            case .model: [self.model]
            case .provider: [self.provider]
            case .operation: [self.operation]
            case .accuracy: [self.accuracy]
            case .outcome: [self.outcome]
            }
        }
    }

    /// What is added up.
    package struct Amounts: Sendable, Hashable {
        /// Lines.
        package var lines: Int64 = 0
        /// Calls that they stand for.
        package var calls: Int64 = 0
        package var inputTokens: Int64 = 0
        package var outputTokens: Int64 = 0
        package var cachedTokens: Int64 = 0
        /// Whole dollars, and the rest in pico-dollars: together they do not overflow.
        package var dollars: Int64 = 0
        package var picoDollars: Int64 = 0
        /// Calls whose price is unknown.
        package var unpriced: Int64 = 0

        package init() {}

        /// Takes what a line has.
        package init(calls: Int64, input: Int64, output: Int64, cached: Int64, picoDollars: Int64?) {
            self.lines = 1
            self.calls = calls
            self.inputTokens = min(input, Self.mostTokens)
            self.outputTokens = min(output, Self.mostTokens)
            self.cachedTokens = min(cached, Self.mostTokens)
            if let picoDollars {
                (self.dollars, self.picoDollars) = picoDollars.quotientAndRemainder(dividingBy: Self.dollar)
            } else {
                self.unpriced = calls
            }
        }

        /// More tokens of one line are nonsense that a provider tells, and count as so many: 2^53, up to which JSON's numbers
        /// are whole (RFC 8259, section 6).
        package static let mostTokens: Int64 = 1 << 53
        private static let dollar: Int64 = 1_000_000_000_000

        /// Adds; tokens, which a provider may tell nonsense of, saturate.
        package mutating func add(_ other: Self) {
            self.lines += other.lines
            self.calls += other.calls
            self.inputTokens = Self.sum(self.inputTokens, other.inputTokens)
            self.outputTokens = Self.sum(self.outputTokens, other.outputTokens)
            self.cachedTokens = Self.sum(self.cachedTokens, other.cachedTokens)
            let (more, rest) = (self.picoDollars + other.picoDollars).quotientAndRemainder(dividingBy: Self.dollar)
            self.dollars += other.dollars + more
            self.picoDollars = rest
            self.unpriced += other.unpriced
        }

        private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
            let (sum, overflow) = left.addingReportingOverflow(right)
            return overflow ? (right < 0 ? .min : .max) : sum
        }
    }

    /// Sums of one hour and one value.
    package struct Cell: Sendable {
        package var dimension: Dimension
        package var hour: Int64
        package var value: String
        /// Requests: those of several lines count once.
        package var requests: Int64 = 0
        package var amounts = Amounts()
    }

    /// Milliseconds.
    package static let hour: Int64 = 3_600_000

    /// Texts are compared by their bytes, as the store does: Swift takes `é` in one character and in two for the same.
    private struct Bytes: Hashable {
        var bytes: [UInt8] = []

        mutating func append(_ text: String) {
            self.bytes.append(contentsOf: text.utf8)
            self.bytes.append(0xFF)
        }

        mutating func append(_ number: Int64) {
            for shift in stride(from: 0, to: 64, by: 8) {
                self.bytes.append(UInt8(truncatingIfNeeded: number >> Int64(shift)))
            }
        }

        func hash(into hasher: inout Hasher) {
            unsafe self.bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        }
    }

    /// Lines of this hour and later are added up.
    private let firstHour: Int64
    private var places: [Bytes: Int] = [:]
    private var kinds: [(traits: Traits, amounts: Amounts)] = []
    private var scratch = Bytes()
    /// Requests that were counted in a cell before.
    private var again: [Bytes: (cell: Cell, count: Int64)] = [:]
    /// Requests with lines in several hours.
    package private(set) var crossing: Set<Int64> = []

    /// Creates empty sums.
    package init(firstHour: Int64) {
        self.firstHour = firstHour
    }

    /// How many kinds of lines there are.
    package var count: Int { self.kinds.count }

    /// Adds a line.
    package mutating func add(_ traits: Traits, _ amounts: Amounts) {
        guard traits.hour >= self.firstHour else { return }
        self.scratch.bytes.removeAll(keepingCapacity: true)
        self.scratch.append(traits.hour)
        self.scratch.append(traits.key)
        self.scratch.append(traits.tenant)
        self.scratch.append(traits.team)
        self.scratch.append(traits.tags)
        self.scratch.append(traits.model)
        self.scratch.append(traits.provider)
        self.scratch.append(traits.operation)
        self.scratch.append(traits.accuracy)
        self.scratch.append(traits.outcome)
        if let place = self.places[self.scratch] { return self.kinds[place].amounts.add(amounts) }
        self.places[self.scratch] = self.kinds.count
        self.kinds.append((traits, amounts))
    }

    /// Notes which lines of the same request are there before a line, so that the request counts once where it counted
    /// before.
    package mutating func note(_ siblings: [Traits], of traits: Traits, request: Int64) {
        guard !siblings.isEmpty else { return }
        if siblings.contains(where: { $0.hour != traits.hour }) { self.crossing.insert(request) }
        guard traits.hour >= self.firstHour else { return }
        let alike = siblings.filter { $0.hour == traits.hour }
        guard !alike.isEmpty else { return }
        for dimension in Dimension.allCases {
            for value in Self.distinct(traits.values(dimension)) {
                let isThere = alike.contains { one in
                    one.values(dimension).contains { $0.utf8.elementsEqual(value.utf8) }
                }
                guard isThere else { continue }
                let cell = Cell(dimension: dimension, hour: traits.hour, value: value)
                self.again[Self.place(cell), default: (cell, 0)].count += 1
            }
        }
    }

    /// What there is to add to the sums that are kept.
    package func cells() -> [Cell] {
        var places: [Bytes: Int] = [:]
        var cells: [Cell] = []
        func add(_ cell: Cell) {
            let place = Self.place(cell)
            guard let index = places[place] else {
                places[place] = cells.count
                return cells.append(cell)
            }
            cells[index].requests += cell.requests
            cells[index].amounts.add(cell.amounts)
        }
        for (traits, amounts) in self.kinds {
            for dimension in Dimension.allCases {
                let values = traits.values(dimension)
                for (index, value) in values.enumerated() {
                    // A tag that a line has twice is two lines of one request.
                    let isRepeated = values[..<index].contains { $0.utf8.elementsEqual(value.utf8) }
                    add(
                        Cell(
                            dimension: dimension, hour: traits.hour, value: value,
                            requests: isRepeated ? amounts.calls - amounts.lines : amounts.calls, amounts: amounts))
                }
            }
        }
        for (cell, count) in self.again.values {
            var less = cell
            less.requests = -count
            add(less)
        }
        return cells
    }

    private static func place(_ cell: Cell) -> Bytes {
        var place = Bytes()
        place.append(cell.hour)
        place.append(cell.dimension.rawValue)
        place.append(cell.value)
        return place
    }

    private static func distinct(_ values: [String]) -> [String] {
        guard values.count > 1 else { return values }
        var distinct: [String] = []
        for value in values where !distinct.contains(where: { $0.utf8.elementsEqual(value.utf8) }) {
            distinct.append(value)
        }
        return distinct
    }

    /// Tags as JSON; they hold neither quotes nor backslashes, but what does is left out rather than believed.
    package static func array(_ tags: [String]) -> String {
        guard !tags.isEmpty else { return "" }
        let sound = tags.filter { !$0.contains { $0 == "\"" || $0 == "\\" || $0.isNewline } }
        return sound.isEmpty ? "" : "[\"" + sound.joined(separator: "\",\"") + "\"]"
    }

    /// The tags of such an array; for none an empty one.
    static func tags(_ array: String) -> [String] {
        guard array.utf8.count >= 4 else { return [""] }
        var tags: [String] = []
        var tag: [UInt8] = []
        var isInside = false
        for byte in array.utf8 {
            if byte == UInt8(ascii: "\"") {
                if isInside { tags.append(String(decoding: tag, as: UTF8.self)) }
                tag.removeAll()
                isInside.toggle()
            } else if isInside {
                tag.append(byte)
            }
        }
        return tags
    }
}
