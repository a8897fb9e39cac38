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

    /// What a block of requests must have for one of them to fit, and what stands for the question marks: no block is left
    /// out that has one.
    var blockConditions: [(String, [any DatabaseValueConvertible])] {
        var all: [(String, [any DatabaseValueConvertible])] = []
        /// Names are kept between commas, unless they are too many.
        func has(_ column: String, _ text: String) {
            all.append(("(block.\(column) IS NULL OR instr(block.\(column), ?) > 0)", [text]))
        }
        if let key { has("keys", ",\(key),") }
        if let model { has("models", model.hasSuffix("*") ? ",\(model.dropLast())" : ",\(model),") }
        if let provider { has("called", ",\(provider),") }
        if let statuses {
            if statuses.count == 1 {
                has("statuses", ",\(statuses.lowerBound),")
            } else if statuses.count == 100, statuses.lowerBound % 100 == 0, (100..<1_000).contains(statuses.lowerBound)
            {
                has("statuses", ",\(statuses.lowerBound / 100)")
            }
        }
        if let slowerThan { all.append(("block.longest_ms >= ?", [slowerThan])) }
        if let dearerThan { all.append(("block.dearest_pico_usd >= ?", [dearerThan])) }
        if let since { all.append(("block.newest >= ?", [since])) }
        if let until { all.append(("block.oldest <= ?", [until])) }
        return all
    }

    /// The conditions and what stands for their question marks.
    var conditions: [(String, [any DatabaseValueConvertible])] {
        var all: [(String, [any DatabaseValueConvertible])] = []
        if let key { all.append(("request.key = ?", [key])) }
        if let model, model.hasSuffix("*") {
            let beginning = String(model.dropLast())
            // Nothing that begins so comes after the last of all characters.
            let end = beginning + "\u{10FFFF}"
            all.append(
                (
                    "((request.model >= ? AND request.model < ?) OR (request.answered >= ? AND request.answered < ?))",
                    [beginning, end, beginning, end]
                ))
        } else if let model {
            all.append(("(request.model = ? OR request.answered = ?)", [model, model]))
        }
        if let provider { all.append(("instr(request.called, ?) > 0", [",\(provider),"])) }
        if let statuses { all.append(("request.status BETWEEN ? AND ?", [statuses.lowerBound, statuses.upperBound])) }
        if let slowerThan { all.append(("request.duration_ms >= ?", [slowerThan])) }
        if let dearerThan { all.append(("coalesce(request.cost_pico_usd, 0) >= ?", [dearerThan])) }
        if let since { all.append(("request.at >= ?", [since])) }
        if let until { all.append(("request.at <= ?", [until])) }
        return all
    }
}
