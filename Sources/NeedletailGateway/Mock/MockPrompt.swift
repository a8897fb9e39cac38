import NeedletailCore

/// What the mock reads out of a request, whatever its dialect.
struct MockPrompt: Sendable {
    /// A tool that may be called.
    struct Tool: Sendable {
        var name: String
        /// The schema of its arguments.
        var schema: JSONView?
        /// Whether it takes free text in the place of JSON.
        var isCustom = false
    }

    /// Which tools must be called.
    enum ToolChoice: Sendable, Hashable {
        case none, auto, required
        case named(String)
    }

    /// What the text has to be.
    enum Output: Sendable {
        case text, object
        case schema(JSONView)
    }

    var model = ""
    var isStreaming = false
    /// Whether the stream says what it cost, where that must be asked for.
    var includesUsage = false
    var maximumTokens: Int?
    var stopSequences: [String] = []
    var choices = 1
    /// What was said last.
    var lastText = ""
    /// Whether the last message brings results of tools.
    var answersTools = false
    var imageCount = 0
    var documentCount = 0
    var tools: [Tool] = []
    var toolChoice = ToolChoice.auto
    /// Whether calls are made in the words from before tools (`function_call`).
    var usesLegacyFunctions = false
    var output = Output.text
    var isThinking = false
    /// Whether the reasoning is signed and not shown.
    var hidesThinking = false
    /// Who signs it.
    var signer = MockSigner.claude
    /// UTF-8 bytes of everything said and declared; the base of the input's price.
    private(set) var weight = 0

    /// Counts text of the input.
    mutating func weigh(_ text: String) {
        self.weight += min(text.utf8.count, 1 << 28)
    }

    /// Counts a declaration of the input.
    mutating func weigh(_ view: JSONView) {
        self.weight += view.range.count
    }

    /// A quarter of the bytes, and 85 for each image or document.
    var inputTokens: Int {
        max(1, (self.weight + 3) / 4 + 85 * (self.imageCount + self.documentCount))
    }
}

/// Why the mock refuses a request.
struct MockRefusal: Error, Sendable, Hashable {
    var status: Int
    var message: String
    var parameter: String?

    init(_ status: Int, _ message: String, parameter: String? = nil) {
        self.status = status
        self.message = message
        self.parameter = parameter
    }
}
