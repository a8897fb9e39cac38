import NeedletailCore

/// Which requests somebody wants to see.
struct RequestFilter: Sendable, Hashable {
    /// The key's name.
    var key: String?
    /// What the client asked for or what answered, or the beginning of either before a `*`.
    var model: String?
    /// Who answered, or was called in vain.
    var provider: String?
    /// A status, or a class as its first digit.
    var statuses: ClosedRange<Int>?
    /// At least so long, in milliseconds.
    var slowerThan: Int?
    /// At least so dear, in pico-dollars.
    var dearerThan: Int64?
    /// Ended in this second or later, since 1970.
    var since: Int64?
    /// Ended in this second or before.
    var until: Int64?

    func takes(_ record: RequestRecord) -> Bool {
        if let key, record.keyName != key { return false }
        if let model, !Self.fits(record.model, model), !(record.answeredModel.map { Self.fits($0, model) } ?? false) {
            return false
        }
        if let provider, record.provider?.rawValue != provider,
            !record.attempts.contains(where: { $0.provider.rawValue == provider })
        {
            return false
        }
        if let statuses, !statuses.contains(record.status) { return false }
        if let slowerThan, record.duration < .milliseconds(slowerThan) { return false }
        if let dearerThan, (record.cost.picoDollars ?? 0) < dearerThan { return false }
        let second = record.endWallNanoseconds / 1_000_000_000
        if let since, second < since { return false }
        if let until, second > until { return false }
        return true
    }

    private static func fits(_ name: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
    }
}
