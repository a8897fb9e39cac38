import NIOCore
import NeedletailCore

/// A top-level field whose value tells what the model must be able to do.
///
/// A value of the wrong type asks for nothing here; the dialect or the upstream refuses it in its own words.
enum RequestPeekFeature {
    case tools, thinking, logprobs, topLogprobs, reasoning, effort, modalities, outputConfig, format

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
        }
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
