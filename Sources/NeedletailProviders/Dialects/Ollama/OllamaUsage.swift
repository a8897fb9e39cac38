import NeedletailCore

/// The counters beside a reply: `prompt_eval_count` and `eval_count`.
///
/// The first is missing where the whole prompt was cached; Ollama then says nothing of it, and neither can we.
enum OllamaUsage {
    static func read(_ root: JSONView) -> Usage? {
        let input = self.count(root.present("prompt_eval_count"))
        let output = self.count(root.present("eval_count"))
        guard input != nil || output != nil else { return nil }
        var usage = Usage(inputTokens: input ?? 0, outputTokens: output ?? 0)
        usage.timing = ProviderTiming.ollama(root)
        return usage
    }

    private static func count(_ view: JSONView?) -> Int? {
        guard let int = view?.int, int >= 0 else { return nil }
        return min(int, 1 << 53)
    }

    static func write(_ usage: Usage?, into json: inout JSONWriter) {
        guard let usage else { return }
        json.member("prompt_eval_count", usage.inputTokens)
        json.member("eval_count", usage.outputTokens)
        usage.timing?.writeOllama(into: &json)
    }
}
