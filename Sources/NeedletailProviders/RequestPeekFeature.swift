import NIOCore
import NeedletailCore

/// A top-level field whose value tells what the model must be able to do.
///
/// A value of the wrong type asks for nothing here; the dialect or the upstream refuses it in its own words.
enum RequestPeekFeature {
    case tools, thinking, logprobs, topLogprobs, reasoning, effort, modalities, outputConfig, format
    /// An object of options that other dialects have at the top, or one such option by another name.
    case settings

    /// What the value at `range`, which has been checked, asks for.
    func features(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Features {
        let first = bytes[range.lowerBound]
        guard first != UInt8(ascii: "n") else { return [] }
        switch self {
        case .tools:
            return Self.hasElements(bytes, range) ? .tools : []
        case .logprobs:
            return first == UInt8(ascii: "t") ? .logprobs : []
        case .topLogprobs:
            return JSONScanner.matches(bytes, range.lowerBound, "0") && range.count == 1 ? [] : .logprobs
        case .effort:
            return JSONScanner.matches(bytes, range.lowerBound, "\"none\"") ? [] : .reasoning
        case .reasoning:
            return .reasoning
        case .thinking:
            return Self.view(bytes, range)?["type"]?.string == "disabled" ? [] : .reasoning
        case .format:
            return Self.view(bytes, range)?["type"]?.string == "text" ? [] : .structuredOutput
        case .modalities:
            return Self.view(bytes, range)?.elements.contains { $0.string == "audio" } == true ? .audio : []
        case .outputConfig:
            guard let view = Self.view(bytes, range) else { return [] }
            var features: Features = []
            if view.present("format") != nil { features.insert(.structuredOutput) }
            if view.present("effort") != nil { features.insert(.reasoning) }
            return features
        case .settings:
            guard let view = Self.view(bytes, range) else { return [] }
            return Self.settings(view)
        }
    }

    /// The limit on output tokens in an object of options, the largest where several stand there; `nil` for none.
    ///
    /// - Parameter keys: What the dialect calls it.
    static func outputLimit(_ bytes: Span<UInt8>, _ range: Range<Int>, _ keys: [StaticString]) -> Int? {
        guard let view = Self.view(bytes, range), view.kind == .object else { return nil }
        var most: Int?
        for member in view.members where keys.contains(where: { member.hasKey($0) }) {
            // Ollama's -1 stands for no limit; what is no number is not judged here.
            guard let limit = member.value.int, limit > 0 else { return nil }
            most = max(most ?? 0, min(limit, Int(Int32.max)))
        }
        return most
    }

    /// How many answers a settings object asks for.
    static func choices(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        guard let view = Self.view(bytes, range), view.kind == .object else { return 1 }
        let count = view["candidateCount"]?.int ?? view["candidate_count"]?.int ?? 1
        return min(max(count, 1), Int(Int32.max))
    }

    private static func settings(_ view: JSONView) -> Features {
        // Ollama's `format`, `think` and `images` stand alone.
        if let word = view.string {
            return word.isEmpty ? [] : ReasoningOptions.efforts.contains(word) ? .reasoning : .structuredOutput
        }
        if view.kind == .array { return view.elements.contains { _ in true } ? .images : [] }
        if view.bool == true { return .reasoning }
        guard view.kind == .object else { return [] }
        var features: Features = []
        let schemas: [StaticString] = [
            "responseSchema", "responseJsonSchema", "response_schema", "textFormat", "properties",
        ]
        if schemas.contains(where: { view.present($0) != nil }) { features.insert(.structuredOutput) }
        if let type = view["responseMimeType"]?.string ?? view["response_mime_type"]?.string, type != "text/plain" {
            features.insert(.structuredOutput)
        }
        if let format = view.present("format"), format["type"]?.string != "text" { features.insert(.structuredOutput) }
        let thinking: [StaticString] = ["thinkingConfig", "thinking_config", "thinking", "reasoning_config"]
        if thinking.contains(where: { view.present($0) != nil }) { features.insert(.reasoning) }
        if view["tools"]?.elements.contains(where: { _ in true }) == true { features.insert(.tools) }
        if (view["responseLogprobs"] ?? view["response_logprobs"])?.bool == true { features.insert(.logprobs) }
        let modalities = view["responseModalities"] ?? view["response_modalities"]
        if modalities?.elements.contains(where: { $0.string == "AUDIO" }) == true { features.insert(.audio) }
        return features
    }

    private static func hasElements(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard bytes[range.lowerBound] == UInt8(ascii: "[") else { return false }
        return JSONScanner.skipWhitespace(bytes, range.lowerBound + 1) < range.upperBound - 1
    }

    /// The fields that need this are small and rare; the copy is cheaper than a second kind of reader.
    private static func view(_ bytes: Span<UInt8>, _ range: Range<Int>) -> JSONView? {
        var copy = ByteBuffer()
        copy.reserveCapacity(range.count)
        for index in range { copy.writeInteger(bytes[index]) }
        return try? JSONDocument(copy).root
    }
}
