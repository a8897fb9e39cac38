import NeedletailCore

/// The places where dialects say how long a call took.
extension ProviderTiming {
    /// Ollama's, in nanoseconds; `nil` if there are none.
    static func ollama(_ root: JSONView) -> Self? {
        var timing = Self()
        timing.total = self.whole(root.present("total_duration"))
        timing.load = self.whole(root.present("load_duration"))
        timing.input = self.whole(root.present("prompt_eval_duration"))
        timing.output = self.whole(root.present("eval_duration"))
        return timing.isEmpty ? nil : timing
    }

    /// What ``ollama(_:)`` reads.
    static let ollamaMembers: [StaticString] = [
        "total_duration", "load_duration", "prompt_eval_duration", "eval_duration",
    ]

    /// Converse's `metrics`.
    static func converse(_ metrics: JSONView?) -> Self? {
        guard let latency = metrics?.present("latencyMs") else { return nil }
        var timing = Self()
        timing.total = self.nanoseconds(latency, 1e6)
        return timing.isEmpty ? nil : timing
    }

    /// Those of servers of OpenAI's dialect: Groq's beside the counters, Cerebras's in `time_info`, llama.cpp's in
    /// `timings`.
    static func openAI(_ root: JSONView, usage: JSONView) -> Self? {
        var timing = self.seconds(usage)
        if timing.isEmpty, let info = root.present("time_info") { timing = self.seconds(info) }
        if timing.isEmpty, let timings = root.present("timings") {
            timing.input = self.nanoseconds(timings.present("prompt_ms"), 1e6)
            timing.output = self.nanoseconds(timings.present("predicted_ms"), 1e6)
        }
        return timing.isEmpty ? nil : timing
    }

    private static func seconds(_ view: JSONView) -> Self {
        var timing = Self()
        timing.total = self.nanoseconds(view.present("total_time"), 1e9)
        timing.load = self.nanoseconds(view.present("queue_time"), 1e9)
        timing.input = self.nanoseconds(view.present("prompt_time"), 1e9)
        timing.output = self.nanoseconds(view.present("completion_time"), 1e9)
        return timing
    }

    private static func whole(_ view: JSONView?) -> Int64? { view?.int.map { Int64(max(0, $0)) } }

    /// A number of units of so many nanoseconds; no more than a century.
    private static func nanoseconds(_ view: JSONView?, _ unit: Double) -> Int64? {
        guard let number = view?.double, number >= 0, number * unit < 3.2e18 else { return nil }
        return Int64((number * unit).rounded())
    }

    /// Writes Ollama's members.
    func writeOllama(into json: inout JSONWriter) {
        json.member("total_duration", self.total.map { Int($0) })
        json.member("load_duration", self.load.map { Int($0) })
        json.member("prompt_eval_duration", self.input.map { Int($0) })
        json.member("eval_duration", self.output.map { Int($0) })
    }

    /// Writes Groq's members of a usage object.
    func writeOpenAI(into json: inout JSONWriter) {
        let members: [(StaticString, Int64?)] = [
            ("queue_time", self.load), ("prompt_time", self.input), ("completion_time", self.output),
            ("total_time", self.total),
        ]
        for (name, time) in members {
            guard let time else { continue }
            json.key(name)
            json.raw(Self.decimal(time))
        }
    }

    /// Seconds, to the nanosecond.
    private static func decimal(_ nanoseconds: Int64) -> JSONText {
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        var digits = String(rest)
        digits = String(repeating: "0", count: 9 - digits.count) + digits
        while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        return JSONText(unchecked: "\(whole).\(digits)")
    }
}
