import NeedletailCore

/// A tool's result for upstreams that take it as text.
struct ToolResultText {
    /// The text; an error says so in its first word.
    private(set) var text = ""
    /// What is no text and has to follow in a message of the user.
    private(set) var media: [ContentPart] = []

    init(_ result: ToolResult, _ report: inout LossReport) {
        for part in result.content {
            switch part {
            case .text(let part): self.add(part.text)
            case .document(let document):
                if let text = DocumentText.text(document) { self.add(text) } else { self.media.append(part) }
            case .image: self.media.append(part)
            case .refusal(let text): self.add(text)
            default: report.lose(.toolResultContent, "A tool's result holds text, images and documents.")
            }
        }
        if result.isError == true {
            report.lose(.toolResultIsError, "Carried as the word Error before the result.")
            if !self.text.lowercased().utf8.starts(with: "error".utf8) {
                self.text = self.text.isEmpty ? "Error" : "Error: " + self.text
            }
        }
        guard !self.media.isEmpty else { return }
        report.lose(.toolResultContent, "Images and documents of a tool's result follow in a message of the user.")
        if self.text.isEmpty { self.text = "The result follows in the next message." }
        self.media.insert(.text(TextPart("Result of the tool call \(result.callID):")), at: 0)
    }

    private mutating func add(_ text: String) {
        if !self.text.isEmpty { self.text += "\n" }
        self.text += text
    }
}
