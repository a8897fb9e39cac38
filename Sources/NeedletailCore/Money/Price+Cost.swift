extension Price {
    /// What `usage` costs; `nil` when a rate is unknown that it takes.
    ///
    /// A special kind of token without a rate of its own is billed as the plain kind that it is a part of. Exact
    /// arithmetic; more tokens of a kind never cost less.
    ///
    /// - Parameter wallSeconds: When the call was made, in seconds since 1970, for rates that depend on the hour; `nil`
    ///   leaves those out.
    public func cost(of usage: Usage, at wallSeconds: Int64? = nil) -> Cost? {
        var bill = Bill(rates: self.rates(for: usage, at: wallSeconds), accuracy: self.isBorrowed ? .estimated : .exact)
        let input = Bill.units(usage.inputTokens)
        let cached = min(Bill.units(usage.cachedInputTokens), input)
        let written = min(Bill.units(usage.cacheWriteTokens), input - cached)
        let writtenLong = min(Bill.units(usage.cacheWrite1hTokens), written)
        let audio = min(Bill.units(usage.audioInputTokens), input - cached - written)
        let pictures = min(Bill.units(usage.imageInputTokens), input - cached - written - audio)
        bill.add(cached, .cachedInput, else: .input)
        bill.add(written - writtenLong, .cacheWrite, else: .input)
        bill.addLongWrites(writtenLong)
        bill.add(audio, .audioInput, else: .input)
        bill.add(pictures, .imageInput, else: .input)
        bill.add(input - cached - written - audio - pictures, .input)

        let output = Bill.units(usage.outputTokens)
        let speech = min(Bill.units(usage.audioOutputTokens), output)
        let drawn = min(Bill.units(usage.imageOutputTokens), output - speech)
        let reasoning = min(Bill.units(usage.reasoningTokens), output - speech - drawn)
        bill.add(speech, .audioOutput, else: .output)
        bill.add(drawn, .imageOutput, else: .output)
        bill.add(reasoning, .reasoning, else: .output)
        bill.add(output - speech - drawn - reasoning, .output)

        if let images = usage.images, bill.rates[.image] != nil { bill.add(Bill.units(images), .image) }
        bill.addRequest(searches: usage.webSearches)
        guard !bill.isUnknown else { return nil }
        if bill.isDoubtful(self, usage) { bill.accuracy = .estimated }
        return Cost(self.discounted(bill.sum), bill.accuracy)
    }

    /// Whether it says what a search costs.
    package var knowsSearches: Bool { self.base.standard[.search] != nil }

    /// What so many tokens of the plain kinds cost, in pico-dollars, to compare candidates by; `nil` where unknown.
    public func expected(inputTokens: Int, outputTokens: Int) -> Int64? {
        self.cost(of: Usage(inputTokens: inputTokens, outputTokens: outputTokens))
            .map { Int64(clamping: $0.amount.picodollars) }
    }

    /// The most that a call can cost whose input and output are bounded; `nil` when the rates of plain input or output
    /// are unknown.
    ///
    /// The dearest rate of every tier that the input may reach, and of every service tier, since the account's settings at
    /// the provider may choose one that the request does not name.
    public func worstCase(inputTokens: Int, outputTokens: Int, features: Features = [], searches: Int = 0) -> Money? {
        var dearest = PriceRates()
        for schedule in [self.base] + self.tiers.filter({ inputTokens > $0.above }).map(\.schedule) {
            for rates in [schedule.standard] + Array(schedule.others.values) {
                for (kind, rate) in rates.known { dearest[kind] = max(rate, dearest[kind] ?? 0) }
            }
        }
        guard dearest[.input] != nil, outputTokens <= 0 || dearest[.output] != nil else { return nil }
        var inputs: [PriceKind] = [.input, .cachedInput, .cacheWrite, .cacheWrite1h]
        var outputs: [PriceKind] = [.output, .reasoning, .imageOutput]
        if features.contains(.images) { inputs.append(.imageInput) }
        if features.contains(.audio) {
            inputs.append(.audioInput)
            outputs.append(.audioOutput)
        }
        let input = inputs.compactMap { dearest[$0] }.max() ?? 0
        let output = outputs.compactMap { dearest[$0] }.max() ?? 0
        let search = max(dearest[.search] ?? 0, dearest[.searchMaximum] ?? 0)
        var sum = Int128(Bill.units(inputTokens)) * Int128(input) + Int128(Bill.units(outputTokens)) * Int128(output)
        sum += Int128(dearest[.request] ?? 0) + Int128(Bill.units(searches)) * Int128(search)
        return self.discounted(sum)
    }

    /// The rates that hold for a usage.
    private func rates(for usage: Usage, at wallSeconds: Int64?) -> PriceRates {
        let service = usage.serviceTier ?? .standard
        var standard = self.base.standard
        var other = service == .standard ? nil : self.base.others[service]
        if service == .standard, let offPeak, let wallSeconds,
            offPeak.windows.contains(where: { $0.contains(wallSeconds: wallSeconds) })
        {
            standard = offPeak.rates.filled(from: standard)
        }
        for tier in self.tiers where usage.inputTokens > tier.above {
            standard = tier.schedule.standard.filled(from: standard)
            guard service != .standard, let base = other else { continue }
            // A service tier without rates for this length: the dearer of its own for short ones and the usual for long.
            other = tier.schedule.others[service]?.filled(from: base) ?? base.dearer(tier.schedule.standard)
        }
        return other?.filled(from: standard) ?? standard
    }
}

/// A sum in the making.
private struct Bill {
    let rates: PriceRates
    var accuracy: Cost.Accuracy
    var sum: Int128 = 0
    var isUnknown = false

    static func units(_ count: Int?) -> Int { min(max(count ?? 0, 0), Price.maximumUnits) }

    mutating func add(_ units: Int, _ kind: PriceKind, else plain: PriceKind? = nil) {
        guard units > 0 else { return }
        guard let rate = self.rates[kind] ?? plain.flatMap({ self.rates[$0] }) else {
            self.isUnknown = true
            return
        }
        self.sum += Int128(units) * Int128(rate)
    }

    /// An hour's cache is dearer than five minutes'; where no rate of its own is listed the cost is a guess.
    mutating func addLongWrites(_ units: Int) {
        guard units > 0 else { return }
        if self.rates[.cacheWrite1h] == nil { self.accuracy = max(self.accuracy, .estimated) }
        self.add(units, self.rates[.cacheWrite1h] == nil ? .cacheWrite : .cacheWrite1h, else: .input)
    }

    /// A request that has a rate beside a bound for searches is one search at least, and how many more there were nobody
    /// says: what is told of searches stands in its place.
    mutating func addRequest(searches: Int?) {
        let isSearch = self.rates[.searchMaximum] != nil
        if self.rates[.request] != nil, !isSearch || Self.units(searches) == 0 {
            self.add(1, .request)
            if isSearch { self.accuracy = max(self.accuracy, .estimated) }
        }
        self.addSearches(Self.units(searches))
    }

    /// Searches without a rate of their own are unknown: what the provider bills for them is not in the tokens.
    mutating func addSearches(_ count: Int) {
        guard count > 0 else { return }
        self.add(count, .search)
        if self.rates[.searchMaximum] != nil { self.accuracy = max(self.accuracy, .estimated) }
    }

    /// Whether the service tier of the reply has no rates of its own.
    func isDoubtful(_ price: Price, _ usage: Usage) -> Bool {
        guard let service = usage.serviceTier, service != .standard else { return false }
        guard price.base.others[service] != nil else { return true }
        return price.tiers.contains { usage.inputTokens > $0.above && $0.schedule.others[service] == nil }
    }
}

extension PriceRates {
    /// The dearer of both, kind by kind, where both are known.
    fileprivate func dearer(_ other: Self) -> Self {
        var copy = self
        for (kind, rate) in self.known { copy[kind] = max(rate, other[kind] ?? 0) }
        return copy
    }
}
