import GRDB

/// Which requests of a ``RequestArchive`` somebody wants to see; `nil` for all.
public struct ArchiveFilter: Sendable, Hashable {
    /// The key's name.
    public var key: String?
    /// What was asked for or answered, or the beginning of either before a `*`.
    public var model: String?
    /// Who answered, or was called in vain.
    public var provider: String?
    /// The statuses.
    public var statuses: ClosedRange<Int>?
    /// At least so many milliseconds.
    public var slowerThan: Int?
    /// At least so many pico-dollars.
    public var dearerThan: Int64?
    /// Ended in this second since 1970 or later.
    public var since: Int64?
    /// Ended in this second or before.
    public var until: Int64?

    /// Fits everything.
    public init() {}

    /// The conditions and what stands for their question marks.
    var conditions: [(String, [any DatabaseValueConvertible])] {
        var all: [(String, [any DatabaseValueConvertible])] = []
        if let key { all.append(("key = ?", [key])) }
        if let model, model.hasSuffix("*") {
            let beginning = String(model.dropLast())
            // Nothing that begins so comes after the last of all characters.
            let end = beginning + "\u{10FFFF}"
            all.append(
                (
                    "((model >= ? AND model < ?) OR (answered >= ? AND answered < ?))",
                    [beginning, end, beginning, end]
                ))
        } else if let model {
            all.append(("(model = ? OR answered = ?)", [model, model]))
        }
        if let provider { all.append(("instr(called, ?) > 0", [",\(provider),"])) }
        if let statuses { all.append(("status BETWEEN ? AND ?", [statuses.lowerBound, statuses.upperBound])) }
        if let slowerThan { all.append(("duration_ms >= ?", [slowerThan])) }
        if let dearerThan { all.append(("coalesce(cost_pico_usd, 0) >= ?", [dearerThan])) }
        if let since { all.append(("at >= ?", [since])) }
        if let until { all.append(("at <= ?", [until])) }
        return all
    }
}
