import NeedletailCore

/// One screen of a ``StatusReport``: what is wrong stands above what is well.
struct StatusScreen {
    let report: StatusReport
    /// The columns that there are.
    let width: Int
    /// The lines that there are; `nil` for any number.
    var height: Int?
    /// The order of the providers.
    var order = Order.trouble
    /// How many providers are passed over.
    var offset = 0

    /// What providers are ordered by; the first of the list stands for what is wrong with them.
    enum Order: Int, CaseIterable {
        case trouble, name, running, latency, success

        /// The order some steps on, the first after the last.
        func next(_ step: Int) -> Self {
            let all = Self.allCases
            return all[(self.rawValue + step + all.count) % all.count]
        }

        /// The heading that it is marked at.
        var heading: String {
            switch self {
            case .trouble: "health"
            case .name: "provider"
            case .running: "running"
            case .latency: "latency"
            case .success: "success"
            }
        }
    }

    /// The lines, none longer than the width but for what colours it.
    var lines: [String] {
        var lines = self.head
        let tail = self.troubles
        let room = self.height.map { max(3, $0 - lines.count - tail.count - 1) }
        lines += self.providers(room: room)
        lines += tail
        guard let height = self.height, lines.count > height else { return lines }
        return Array(lines.prefix(max(0, height - 1))) + [self.cut("… \(lines.count - height + 1) lines more")]
    }

    // MARK: Head

    private var head: [String] {
        let status = self.report.health?["status"]?.string ?? "unknown"
        let title = self.cut("needletail at \(self.report.url)  ", to: max(0, self.width - status.count))
        var lines = [title + TextTable.coloured(status)]
        if let listen = self.report.listen {
            let api = listen["api"]?.string ?? "127.0.0.1:4003"
            let admin = listen["admin"]?.string ?? "127.0.0.1:4004"
            lines.append(self.cut("listens   api \(api), admin \(admin)"))
        }
        let running = self.report.configuration?["running"]
        let file = running?.present("file")?.string ?? "the environment"
        lines.append(
            self.cut(
                "config    \(running?["version"]?.string ?? "unknown") from \(file), since "
                    + "\(running?["since"]?.string ?? "unknown")"))
        lines += self.pending
        if let traffic = self.report.traffic { lines += self.traffic(traffic) }
        return lines
    }

    /// What was tried last and does not serve.
    private var pending: [String] {
        guard let attempt = self.report.configuration?.present("last_attempt"), attempt["taken"]?.bool != true else {
            return []
        }
        let faults = attempt["faults"].map { $0.elements.compactMap(\.string) } ?? []
        return [
            self.cut(
                "refused   \(attempt["version"]?.string ?? "unreadable") at \(attempt["at"]?.string ?? "") by "
                    + "\(attempt["trigger"]?.string ?? ""): \(faults.first ?? "")")
        ] + (faults.count > 1 ? [self.cut("          and \(faults.count - 1) more; see needletail config")] : [])
    }

    private func traffic(_ traffic: JSONView) -> [String] {
        let requests = traffic["requests"]?.int ?? 0
        let failures = traffic["failures"]?.int ?? 0
        let share = requests > 0 ? Double(failures) / Double(requests) * 100 : 0
        let rate = Self.short(Double(requests) / 300)
        return [
            self.cut(
                "5 min     \(requests) requests (\(rate)/s), \(failures) failed (\(Self.short(share)) %), "
                    + "\(traffic["refusals"]?.int ?? 0) refused"),
            self.cut(
                "          p50 \(Self.time(traffic["p50_ms"])), p95 \(Self.time(traffic["p95_ms"])), first token "
                    + "\(Self.time(traffic["first_token_p50_ms"])), $\(traffic["cost_usd"]?.string ?? "0")"),
        ]
    }

    // MARK: Providers

    private func providers(room: Int?) -> [String] {
        var health: [String: JSONView] = [:]
        if let providers = self.report.health?["providers"] {
            for member in providers.members { health[member.key] = member.value }
        }
        let headings = ["provider", "state", "health", "breaker", "running", "latency", "success"]
        var rows = [headings.map { self.height != nil && $0 == self.order.heading ? $0 + "▾" : $0 }]
        let hidden = min(self.offset, max(0, self.report.providers.count - 1))
        for provider in self.sorted(health).dropFirst(hidden) {
            let name = provider["name"]?.string ?? ""
            let seen = health[name]
            rows.append([
                name, provider["state"]?.string ?? "", seen?["status"]?.string ?? "–",
                seen?["circuit_state"]?.string ?? "–", "\(provider["in_flight"]?.int ?? 0)",
                Self.time(seen?.present("avg_response_time")),
                seen?.present("success_rate")?.double.map { "\(Self.short($0 * 100)) %" } ?? "–",
            ])
        }
        var shown = rows
        if let room, rows.count + 1 > room { shown = Array(rows.prefix(max(2, room - 2))) }
        var lines = [hidden > 0 ? self.cut("… \(hidden) providers above") : ""] + self.table(shown)
        if shown.count < rows.count { lines.append(self.cut("… \(rows.count - shown.count) providers more")) }
        return lines
    }

    /// The providers, the ones first that the order is about; those that are equal as the gateway has them.
    private func sorted(_ health: [String: JSONView]) -> [JSONView] {
        func number(_ provider: JSONView) -> Double {
            let seen = provider["name"]?.string.flatMap { health[$0] }
            switch self.order {
            case .trouble: return Double(self.trouble(provider, health))
            case .name: return 0
            case .running: return Double(provider["in_flight"]?.int ?? 0)
            case .latency: return seen?.present("avg_response_time")?.double ?? -1
            case .success: return -(seen?.present("success_rate")?.double ?? 2)
            }
        }
        let numbered = self.report.providers.enumerated().map { ($0.offset, number($0.element), $0.element) }
        guard self.order != .name else {
            return self.report.providers.sorted { ($0["name"]?.string ?? "") < ($1["name"]?.string ?? "") }
        }
        return numbered.sorted { ($1.1, $0.0) < ($0.1, $1.0) }.map(\.2)
    }

    /// How much is wrong with a provider, for their order.
    private func trouble(_ provider: JSONView, _ health: [String: JSONView]) -> Int {
        let seen = provider["name"]?.string.flatMap { health[$0] }
        switch (provider["state"]?.string, seen?["status"]?.string) {
        case ("active", "unhealthy"): return 3
        case ("active", "degraded"): return 2
        case ("active", _): return 0
        default: return 1
        }
    }

    private func table(_ rows: [[String]]) -> [String] {
        guard let heading = rows.first else { return [] }
        var widths = heading.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        // The names give way where there is no room.
        let others = widths.dropFirst().reduce(0) { $0 + $1 + 2 }
        widths[0] = min(widths[0], max(8, self.width - others))
        return rows.enumerated().map { index, row in
            var room = self.width
            var line = ""
            for (column, cell) in row.enumerated() {
                let gap = column == 0 ? "" : "  "
                let text = self.cut(index == 0 ? cell.uppercased() : cell, to: min(widths[column], room - gap.count))
                guard room > gap.count else { break }
                room -= gap.count + widths[column]
                let padding = column == row.count - 1 ? 0 : max(0, widths[column] - text.count)
                line += gap + (index == 0 ? text : TextTable.coloured(text)) + String(repeating: " ", count: padding)
            }
            return line
        }
    }

    // MARK: Troubles

    private var troubles: [String] {
        var lines: [String] = []
        for breaker in self.report.breakers where breaker["state"]?.string != "closed" {
            let wait =
                breaker.present("seconds_until_probe")?.double.map { ", tried again in \(Self.short($0)) s" } ?? ""
            lines.append(
                self.cut("breaker   \(breaker["name"]?.string ?? "") is \(breaker["state"]?.string ?? "")\(wait)"))
        }
        for budget in self.report.budgets { lines += self.budget(budget) }
        for alert in self.report.alerts where alert["state"]?.string == "firing" {
            lines.append(
                self.cut(
                    "alert     \(alert["alert"]?.string ?? "") (\(alert["severity"]?.string ?? "")): "
                        + "\(alert["subject"]?.string ?? "") since \(alert["since"]?.string ?? "")"))
        }
        for failure in self.report.failures.prefix(5) {
            lines.append(
                self.cut(
                    "failed    \(failure["status"]?.int ?? 0) \(failure["error"]?.string ?? "") "
                        + "\(failure["model"]?.string ?? "") \(failure["provider"]?.string ?? "") "
                        + "\(failure["id"]?.string ?? "")"))
        }
        return lines.isEmpty ? [] : [""] + lines
    }

    /// The counts of a budget of which a fifth or less is left.
    private func budget(_ budget: JSONView) -> [String] {
        guard let limit = budget["limit"]?.string.flatMap({ Double($0) }), limit > 0 else { return [] }
        return (budget["counts"].map { Array($0.elements) } ?? []).compactMap { count in
            guard let left = count["left"]?.string.flatMap({ Double($0) }), left <= limit * 0.2 else { return nil }
            return self.cut(
                "budget    \(count["name"]?.string ?? "") has \(Self.short(left / limit * 100)) % left of "
                    + "\(budget["limit"]?.string ?? "") \(budget["unit"]?.string == "money" ? "USD" : "tokens") "
                    + "per \(budget["per"]?.string ?? "")")
        }
    }

    // MARK: Words

    private func cut(_ text: String, to width: Int? = nil) -> String {
        let width = max(0, width ?? self.width)
        let plain = Terminal.plain(text)
        return plain.count <= width ? plain : String(plain.prefix(max(0, width - 1))) + (width > 0 ? "…" : "")
    }

    static func time(_ milliseconds: JSONView?) -> String {
        guard let value = milliseconds?.double else { return "–" }
        return value < 1_000 ? "\(Self.short(value)) ms" : "\(Self.short(value / 1_000)) s"
    }

    /// A number with one digit after the point where it is small.
    static func short(_ number: Double) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "–" }
        let rounded = (number * 10).rounded() / 10
        return abs(number) >= 100 || rounded == rounded.rounded() ? "\(Int(number.rounded()))" : "\(rounded)"
    }
}
