import NeedletailCore

/// Log probabilities: Cohere gives pieces of text with the numbers of their tokens, OpenAI one entry a token.
enum CohereLogprobs {
    /// OpenAI's form of Cohere's list, or of one piece in a stream; `nil` if there are none.
    ///
    /// A piece of several tokens becomes one entry with the probability of the whole.
    static func openAI(_ value: JSONView?) -> JSONText? {
        guard let value else { return nil }
        let pieces = value.kind == .array ? Array(value.elements) : [value]
        var json = JSONWriter()
        var count = 0
        json.beginObject()
        json.key("content")
        json.beginArray()
        for piece in pieces {
            guard let list = piece.present("logprobs"), let sum = Self.sum(list) else { continue }
            count += 1
            json.beginObject()
            json.member("token", piece.present("text")?.string ?? "")
            json.member("logprob", sum)
            json.key("bytes")
            json.null()
            json.key("top_logprobs")
            json.beginArray()
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.key("refusal")
        json.null()
        json.endObject()
        return count == 0 ? nil : JSONText(unchecked: json.bytes)
    }

    /// The only number as spelled, else the sum.
    private static func sum(_ list: JSONView) -> JSONText? {
        let numbers = list.elements.compactMap(\.number)
        if numbers.count == 1 { return numbers[0] }
        let sum = list.elements.compactMap(\.double).reduce(0, +)
        return numbers.isEmpty || !sum.isFinite ? nil : JSONText(unchecked: "\(sum)")
    }

    /// OpenAI's entries as Cohere's pieces. The numbers of the tokens are known to nobody here.
    static func pieces(_ logprobs: JSONText) -> [JSONText] {
        guard let view = try? logprobs.view() else { return [] }
        var pieces: [JSONText] = []
        for key: StaticString in ["content", "refusal"] {
            for token in (view.present(key) ?? view).elements {
                var json = JSONWriter()
                json.beginObject()
                json.member("text", token.present("token")?.string ?? "")
                json.key("token_ids")
                json.beginArray()
                json.endArray()
                json.key("logprobs")
                json.beginArray()
                if let number = token.present("logprob")?.number { json.raw(number) }
                json.endArray()
                json.endObject()
                pieces.append(JSONText(unchecked: json.bytes))
            }
        }
        return pieces
    }
}
