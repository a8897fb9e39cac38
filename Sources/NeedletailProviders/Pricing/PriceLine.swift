import NeedletailCore

/// Reads an entry of ``PriceCatalogue``.
///
/// Words in this order: rates `kind=picodollars`, with `b.`, `p.` or `f.` before the kind for batch, priority and flex;
/// `>tokens` before the rates of longer inputs; `~days:from-to+…;…` before those of certain hours, days from Monday 1,
/// minutes of the day in UTC; `#number` of the source.
enum PriceLine {
    private static let kinds: [Substring: PriceKind] = [
        "i": .input, "o": .output, "r": .cachedInput, "w": .cacheWrite, "h": .cacheWrite1h, "t": .reasoning,
        "ai": .audioInput, "ao": .audioOutput, "ii": .imageInput, "io": .imageOutput, "im": .image, "q": .request,
        "s": .search, "S": .searchMaximum,
    ]
    private static let services: [Substring: ServiceTier] = ["b": .batch, "p": .priority, "f": .flex]

    /// The price, or `nil` for a line that is none; the table is tested to have no such line.
    static func read(_ line: String) -> Price? {
        var parts: [(above: Int, schedule: Price.Schedule)] = [(0, Price.Schedule())]
        var offPeak: Price.OffPeak?
        var source = ""
        for word in line.split(separator: " ") {
            switch word.first {
            case ">":
                guard let above = Int(word.dropFirst()) else { return nil }
                parts.append((above, Price.Schedule()))
            case "~":
                guard let windows = self.windows(word.dropFirst()) else { return nil }
                offPeak = Price.OffPeak(windows: windows, rates: PriceRates())
            case "#": source = Int(word.dropFirst()).map { PriceCatalogue.source($0) } ?? ""
            default:
                guard let (kind, service, rate) = self.rate(word) else { return nil }
                if offPeak != nil {
                    offPeak?.rates[kind] = rate
                } else if service == .standard {
                    parts[parts.count - 1].schedule.standard[kind] = rate
                } else {
                    parts[parts.count - 1].schedule.others[service, default: PriceRates()][kind] = rate
                }
            }
        }
        return Price(
            parts[0].schedule, tiers: parts.dropFirst().map { Price.Tier(above: $0.above, $0.schedule) },
            offPeak: offPeak, source: source, date: PriceCatalogue.date)
    }

    private static func rate(_ word: Substring) -> (PriceKind, ServiceTier, Int64)? {
        let sides = word.split(separator: "=")
        guard sides.count == 2, let rate = Int64(sides[1]) else { return nil }
        let name = sides[0].split(separator: ".")
        guard let last = name.last, let kind = self.kinds[last] else { return nil }
        guard name.count == 2 else { return name.count == 1 ? (kind, .standard, rate) : nil }
        return self.services[name[0]].map { (kind, $0, rate) }
    }

    private static func windows(_ text: Substring) -> [PriceWindow]? {
        var windows: [PriceWindow] = []
        for part in text.split(separator: ";") {
            let sides = part.split(separator: ":")
            guard sides.count == 2 else { return nil }
            var days: UInt8 = 0
            for digit in sides[0] {
                guard let day = digit.wholeNumberValue, (1...7).contains(day) else { return nil }
                days |= 1 << UInt8(day - 1)
            }
            var minutes: [Range<Int>] = []
            for range in sides[1].split(separator: "+") {
                let ends = range.split(separator: "-").compactMap { Int($0) }
                guard ends.count == 2, ends[0] < ends[1], ends[1] <= 1440 else { return nil }
                minutes.append(ends[0]..<ends[1])
            }
            windows.append(PriceWindow(days: days, minutes: minutes))
        }
        return windows
    }
}
