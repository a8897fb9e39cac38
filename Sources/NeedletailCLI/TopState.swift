import NeedletailCore

/// What `needletail top` shows: what it was told last, in which order, and from where on. Pure.
struct TopState {
    private(set) var report: StatusReport
    /// Why there is no newer one; `nil` while there is.
    private(set) var problem: String?
    private(set) var order = StatusScreen.Order.trouble
    /// How many providers stand above those that are shown.
    private(set) var offset = 0
    /// Whether somebody is asked now.
    private(set) var isAsking = false
    /// Counts the looks, so that the wait after an earlier one means nothing any more.
    private(set) var turn = 0

    /// How many lines a page has.
    private static let page = 10

    /// What is to be done after a key.
    enum Wish: Equatable {
        case nothing, ask, quit
    }

    init(_ report: StatusReport) {
        self.report = report
    }

    /// Takes note of a key.
    mutating func typed(_ key: KeyParser.Key) -> Wish {
        switch key {
        case .quit: return .quit
        case .look: return self.isAsking ? .nothing : .ask
        case .sort: self.order = self.order.next(1)
        case .sortBack: self.order = self.order.next(-1)
        case .up: self.scroll(-1)
        case .down: self.scroll(1)
        case .pageUp: self.scroll(-Self.page)
        case .pageDown: self.scroll(Self.page)
        case .home: self.offset = 0
        case .end: self.scroll(self.report.providers.count)
        case .other: break
        }
        return .nothing
    }

    private mutating func scroll(_ lines: Int) {
        self.offset = min(max(0, self.offset + lines), max(0, self.report.providers.count - 1))
    }

    /// Somebody is asked.
    mutating func asks() {
        self.isAsking = true
        self.turn += 1
    }

    /// The answer has come.
    mutating func heard(_ answer: Result<StatusReport, NeedletailError>) {
        self.isAsking = false
        switch answer {
        case .success(let report): (self.report, self.problem) = (report, nil)
        case .failure(let error): self.problem = error.message
        }
        self.scroll(0)
    }
}
