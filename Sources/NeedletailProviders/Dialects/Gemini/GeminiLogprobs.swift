import NeedletailCore

/// Log probabilities, between Google's form (`logprobsResult`) and OpenAI's, which the model holds.
enum GeminiLogprobs {
    /// `logprobsResult` in OpenAI's form; `nil` if nothing is in it.
    static func read(_ result: JSONView) -> JSONText? {
        guard let chosen = GeminiField.value(result, "chosenCandidates", "chosen_candidates") else { return nil }
        var tops: [JSONView] = []
        if let list = GeminiField.value(result, "topCandidates", "top_candidates") { tops = Array(list.elements) }
        var json = JSONWriter()
        json.beginObject()
        json.key("content")
        json.beginArray()
        var count = 0
        for token in chosen.elements {
            json.beginObject()
            self.token(token, &json)
            json.key("top_logprobs")
            json.beginArray()
            if count < tops.count, let candidates = tops[count].present("candidates") {
                for other in candidates.elements {
                    json.beginObject()
                    self.token(other, &json)
                    json.endObject()
                }
            }
            json.endArray()
            json.endObject()
            count += 1
        }
        json.endArray()
        json.endObject()
        return count == 0 ? nil : JSONText(unchecked: json.bytes)
    }

    private static func token(_ view: JSONView, _ json: inout JSONWriter) {
        let token = view.present("token")?.string ?? ""
        json.member("token", token)
        // A probability of one has the logarithm 0, which the JSON of protocol buffers leaves out.
        json.member(
            "logprob",
            GeminiField.value(view, "logProbability", "log_probability")?.number ?? JSONText(unchecked: "0"))
        json.key("bytes")
        json.beginArray()
        for byte in token.utf8 { json.int(byte) }
        json.endArray()
    }

    /// Writes `logprobsResult`.
    static func write(_ logprobs: JSONText, into json: inout JSONWriter) {
        guard let content = (try? logprobs.view())?.present("content"), content.kind == .array else { return }
        json.key("logprobsResult")
        json.beginObject()
        json.key("topCandidates")
        json.beginArray()
        for token in content.elements {
            json.beginObject()
            json.key("candidates")
            json.beginArray()
            for other in token.present("top_logprobs")?.elements ?? token.elements { self.candidate(other, &json) }
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.key("chosenCandidates")
        json.beginArray()
        for token in content.elements { self.candidate(token, &json) }
        json.endArray()
        json.endObject()
    }

    private static func candidate(_ view: JSONView, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("token", view.present("token")?.string ?? "")
        json.member("logProbability", view.present("logprob")?.number)
        json.endObject()
    }
}
