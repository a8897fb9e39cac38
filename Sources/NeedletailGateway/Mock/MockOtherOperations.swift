import NIOCore
import NeedletailCore

/// What the mock answers to requests that are no conversations: vectors, the order of documents, verdicts, pictures,
/// sound. Each answer follows from the request alone.
struct MockOtherOperations {
    /// An answer.
    struct Answer {
        var bytes: ByteBuffer
        var contentType = "application/json"
        var usage = MockUsage(input: 0, output: 0)
    }

    /// The length of vectors where the request names none.
    private static let defaultDimensions = 8

    let path: String
    let body: JSONView?

    /// The answer; `nil` if the path is none of these operations.
    func answer() throws(MockRefusal) -> Answer? {
        if self.path.hasSuffix(":batchEmbedContents") || self.path.hasSuffix(":embedContent") { return self.gemini() }
        switch self.path.split(separator: "/").last {
        case "embeddings" where self.path.hasPrefix("/api/"): return self.ollama(isOne: true)
        case "embed" where self.path.hasPrefix("/api/"): return self.ollama(isOne: false)
        case "embed": return self.cohere()
        case "embeddings": return try self.openAI()
        case "rerank": return try self.rerank()
        case "moderations": return self.moderation()
        case "generations", "edits": return self.image()
        case "speech": return Answer(bytes: ByteBuffer(string: "ID3 mock sound"), contentType: "audio/mpeg")
        case "transcriptions", "translations":
            return Answer(bytes: ByteBuffer(string: #"{"text":"This is a mock transcription."}"#))
        default: return nil
        }
    }

    // MARK: Vectors

    /// A text's vector: the same text has the same, and all numbers are multiples of 1/128, which every float holds.
    private func vector(_ text: String, _ dimensions: Int?) -> [Float] {
        var random = MockRandom(seed: MockRandom.hash(text))
        return (0..<min(dimensions ?? Self.defaultDimensions, 4096)).map { _ in Float(random.below(256)) / 128 - 1 }
    }

    private func tokens(_ texts: [String]) -> Int { texts.reduce(0) { $0 + max(1, $1.utf8.count / 4) } }

    private func write(_ vector: [Float], into json: inout JSONWriter) {
        json.beginArray()
        for number in vector { json.raw(JSONText(unchecked: "\(number)")) }
        json.endArray()
    }

    private func texts(_ view: JSONView?) -> [String] {
        guard let view else { return [] }
        if let text = view.string { return [text] }
        if view.elements.first(where: { _ in true })?.kind == .number { return ["\(view.text)"] }
        return view.elements.map { $0.string ?? "\($0.text)" }
    }

    private func openAI() throws(MockRefusal) -> Answer {
        let texts = self.texts(self.body?["input"])
        guard !texts.isEmpty, texts.count <= 2048 else {
            throw MockRefusal(400, "'$.input' is invalid. Please check the API reference.")
        }
        let isBase64 = self.body?["encoding_format"]?.string == "base64"
        let tokens = self.tokens(texts)
        var json = JSONWriter()
        json.beginObject()
        json.member("object", "list")
        json.key("data")
        json.beginArray()
        for (index, text) in texts.enumerated() {
            json.beginObject()
            json.member("object", "embedding")
            json.member("index", index)
            json.key("embedding")
            let vector = self.vector(text, self.body?["dimensions"]?.int)
            if isBase64 { json.string(MockBase64.floats(vector)) } else { self.write(vector, into: &json) }
            json.endObject()
        }
        json.endArray()
        json.member("model", self.body?["model"]?.string)
        json.member("usage", JSONText(unchecked: #"{"prompt_tokens":\#(tokens),"total_tokens":\#(tokens)}"#))
        json.endObject()
        return Answer(bytes: json.bytes, usage: MockUsage(input: tokens, output: 0))
    }

    private func gemini() -> Answer {
        let isOne = self.path.hasSuffix(":embedContent")
        let entries = isOne ? self.body.map { [$0] } ?? [] : self.body?["requests"].map { Array($0.elements) } ?? []
        let texts = entries.map { entry in
            (entry["content"]?["parts"].map { Array($0.elements) } ?? []).compactMap { $0["text"]?.string }.joined()
        }
        var json = JSONWriter()
        json.beginObject()
        json.key(isOne ? "embedding" : "embeddings")
        if !isOne { json.beginArray() }
        for (entry, text) in zip(entries, texts) {
            json.beginObject()
            json.key("values")
            self.write(self.vector(text, entry["outputDimensionality"]?.int), into: &json)
            json.endObject()
        }
        if !isOne { json.endArray() }
        json.endObject()
        return Answer(bytes: json.bytes, usage: MockUsage(input: self.tokens(texts), output: 0))
    }

    private func ollama(isOne: Bool) -> Answer {
        let texts = self.texts(self.body?[isOne ? "prompt" : "input"])
        var json = JSONWriter()
        json.beginObject()
        if isOne {
            json.key("embedding")
            self.write(self.vector(texts.first ?? "", nil), into: &json)
        } else {
            json.member("model", self.body?["model"]?.string)
            json.key("embeddings")
            json.beginArray()
            for text in texts { self.write(self.vector(text, self.body?["dimensions"]?.int), into: &json) }
            json.endArray()
            json.member("prompt_eval_count", self.tokens(texts))
        }
        json.endObject()
        return Answer(bytes: json.bytes, usage: MockUsage(input: self.tokens(texts), output: 0))
    }

    private func cohere() -> Answer {
        let texts = self.texts(self.body?["texts"])
        let tokens = self.tokens(texts)
        var json = JSONWriter()
        json.beginObject()
        json.member("id", "mock-embed")
        json.key("embeddings")
        json.beginObject()
        json.key("float")
        json.beginArray()
        for text in texts { self.write(self.vector(text, self.body?["output_dimension"]?.int), into: &json) }
        json.endArray()
        json.endObject()
        json.member("meta", JSONText(unchecked: #"{"billed_units":{"input_tokens":\#(tokens)}}"#))
        json.endObject()
        return Answer(bytes: json.bytes, usage: MockUsage(input: tokens, output: 0))
    }

    // MARK: The rest

    /// Documents that hold more of the query's words come first.
    private func rerank() throws(MockRefusal) -> Answer {
        guard let query = self.body?["query"]?.string, let documents = self.body?["documents"] else {
            throw MockRefusal(400, "query and documents are required.")
        }
        let words = query.lowercased().split(separator: " ")
        let scores = documents.elements.enumerated().map { index, document in
            let text = (document.string ?? document["text"]?.string ?? "").lowercased()
            return (index: index, hits: words.count { text.contains($0) })
        }
        let order = scores.sorted { ($0.hits, -$0.index) > ($1.hits, -$1.index) }
        var json = JSONWriter()
        json.beginObject()
        json.member("id", "mock-rerank")
        json.key("results")
        json.beginArray()
        for entry in order.prefix(self.body?["top_n"]?.int ?? order.count) {
            json.beginObject()
            json.member("index", entry.index)
            json.member(
                "relevance_score", JSONText(unchecked: "\(Float(entry.hits) / Float(max(1, words.count)))"))
            json.endObject()
        }
        json.endArray()
        json.member("meta", JSONText(unchecked: #"{"billed_units":{"search_units":1}}"#))
        json.endObject()
        return Answer(bytes: json.bytes)
    }

    private func moderation() -> Answer {
        var json = JSONWriter()
        json.beginObject()
        json.member("id", "modr-mock")
        json.member("model", self.body?["model"]?.string ?? "omni-moderation-latest")
        json.key("results")
        json.beginArray()
        for _ in self.texts(self.body?["input"]) {
            json.raw(
                JSONText(
                    unchecked: #"{"flagged":false,"categories":{"violence":false},"category_scores":{"violence":0.0}}"#)
            )
        }
        json.endArray()
        json.endObject()
        return Answer(bytes: json.bytes)
    }

    private func image() -> Answer {
        let usage = #"{"input_tokens":5,"output_tokens":7,"total_tokens":12}"#
        return Answer(
            bytes: ByteBuffer(string: #"{"created":0,"data":[{"b64_json":"\#(MockBase64.pixel)"}],"usage":\#(usage)}"#),
            usage: MockUsage(input: 5, output: 7))
    }
}

/// Base64 of the mock's own, so that it is an independent peer.
enum MockBase64 {
    /// A PNG of one pixel.
    static let pixel =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The little-endian bytes of `numbers`.
    static func floats(_ numbers: [Float]) -> String {
        Self.encode(
            numbers.flatMap { number in
                [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: number.bitPattern >> UInt32($0)) }
            })
    }

    /// `bytes`, padded.
    static func encode(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                out.append(Self.alphabet[Int(bits >> UInt32(count) & 63)])
            }
            bits &= 63
        }
        if count > 0 { out.append(Self.alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        while out.count % 4 > 0 { out.append(UInt8(ascii: "=")) }
        return String(decoding: out, as: UTF8.self)
    }
}
