import NeedletailCore

extension OpaquePart {
    /// The piece of sound that a part of Gemini's stream is; as chat completions stream it, samples of 16 bits.
    var sound: AudioPart? {
        guard self.dialect == .gemini, GeminiField.camel(self.type) == "inlineData", let part = try? self.json.view()
        else { return nil }
        var reader = GeminiContentReader(path: "")
        var content: [ContentPart] = []
        guard (try? reader.read(part, into: &content)) != nil, case .audio(let sound) = content.first else {
            return nil
        }
        return sound
    }
}
