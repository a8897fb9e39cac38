import NeedletailCore

/// Log probabilities in the legacy form, four lists side by side: `tokens`, `token_logprobs`, `top_logprobs` and
/// `text_offset`.
enum CompletionsLogprobs {
    /// The form of chat completions; `nil` if there are none. A first token that was not predicted has no number and is
    /// passed over.
    static func chat(_ view: JSONView?) -> JSONText? {
        guard let view, view.kind == .object, let tokens = view.present("tokens"),
            let numbers = view.present("token_logprobs")
        else { return nil }
        let top = Array((view.present("top_logprobs") ?? view).elements)
        var json = JSONWriter()
        var count = 0
        json.beginObject()
        json.key("content")
        json.beginArray()
        for (index, (token, number)) in zip(tokens.elements, numbers.elements).enumerated() {
            guard let text = token.string, let number = number.number else { continue }
            count += 1
            json.beginObject()
            Self.token(text, number, into: &json)
            json.key("top_logprobs")
            json.beginArray()
            if index < top.count {
                for member in top[index].members {
                    guard let number = member.value.number else { continue }
                    json.beginObject()
                    Self.token(member.key, number, into: &json)
                    json.endObject()
                }
            }
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.key("refusal")
        json.null()
        json.endObject()
        return count == 0 ? nil : JSONText(unchecked: json.bytes)
    }

    private static func token(_ text: String, _ number: JSONText, into json: inout JSONWriter) {
        json.member("token", text)
        json.member("logprob", number)
        json.key("bytes")
        json.null()
    }

    /// The legacy form.
    ///
    /// - Parameter offset: Where the tokens begin in the choice's text, in Unicode scalars; moved to their end.
    static func legacy(_ logprobs: JSONText, offset: inout Int) -> JSONText? {
        guard let view = try? logprobs.view() else { return nil }
        var entries: [JSONView] = []
        for key: StaticString in ["content", "refusal"] { entries += Array((view.present(key) ?? view).elements) }
        guard !entries.isEmpty else { return nil }
        var json = JSONWriter()
        json.beginObject()
        Self.list("tokens", entries, into: &json) { $1.string($0.present("token")?.string ?? "") }
        Self.list("token_logprobs", entries, into: &json) { entry, json in
            if let number = entry.present("logprob")?.number { json.raw(number) } else { json.null() }
        }
        Self.list("top_logprobs", entries, into: &json) { entry, json in
            json.beginObject()
            for top in (entry.present("top_logprobs") ?? entry).elements {
                guard let token = top.present("token")?.string, let number = top.present("logprob")?.number else {
                    continue
                }
                json.key(token)
                json.raw(number)
            }
            json.endObject()
        }
        var position = offset
        Self.list("text_offset", entries, into: &json) { entry, json in
            json.int(position)
            position += (entry.present("token")?.string ?? "").unicodeScalars.count
        }
        offset = position
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }

    private static func list(
        _ key: StaticString, _ entries: [JSONView], into json: inout JSONWriter,
        _ write: (JSONView, inout JSONWriter) -> Void
    ) {
        json.key(key)
        json.beginArray()
        for entry in entries { write(entry, &json) }
        json.endArray()
    }
}
