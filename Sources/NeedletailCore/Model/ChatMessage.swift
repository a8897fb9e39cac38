/// One message of a conversation.
public struct ChatMessage: Sendable, Hashable {
    /// Who speaks.
    public enum Role: String, Sendable, Hashable {
        case system, developer, user, assistant, tool
    }

    /// Who speaks.
    public var role: Role
    /// What is said, in order.
    public var content: [ContentPart]
    /// The speaker's name, where one was given.
    public var name: String?

    /// Creates a message.
    public init(_ role: Role, _ content: [ContentPart], name: String? = nil) {
        self.role = role
        self.content = content
        self.name = name
    }

    /// Creates a message of text.
    public init(_ role: Role, _ text: String) {
        self.init(role, [.text(TextPart(text))])
    }
}

/// A piece of a message or of a reply.
public enum ContentPart: Sendable, Hashable {
    case text(TextPart)
    case image(ImagePart)
    case document(DocumentPart)
    case audio(AudioPart)
    case toolCall(ToolCall)
    case toolResult(ToolResult)
    case reasoning(ReasoningPart)
    /// Reasoning that only its provider can read.
    case redactedReasoning(String)
    /// The model declined.
    case refusal(String)
    /// A part that only its own dialect knows, for example a search that the provider ran.
    case opaque(OpaquePart)
}

/// Text.
public struct TextPart: Sendable, Hashable {
    /// The text.
    public var text: String
    /// Where it comes from: a JSON array in the words of ``citationDialect``.
    public var citations: JSONText?
    /// The dialect of ``citations``.
    public var citationDialect: DialectID?
    /// A prompt-cache marker.
    public var cacheMarker: CacheMarker?

    /// Creates text.
    public init(_ text: String, cacheMarker: CacheMarker? = nil) {
        self.text = text
        self.cacheMarker = cacheMarker
    }
}

/// Where an image, document or sound is.
public enum MediaSource: Sendable, Hashable {
    /// Here, in base64.
    case base64(mediaType: String, data: String)
    /// At a URL that somebody must fetch.
    case url(String)
    /// At the provider, under an id that only it knows.
    case fileID(String)
    /// Here, as plain text (documents only).
    case text(String)
}

/// An image.
public struct ImagePart: Sendable, Hashable {
    /// Where it is.
    public var source: MediaSource
    /// How closely to look: OpenAI's `low`, `high`, `auto`.
    public var detail: String?
    /// A prompt-cache marker.
    public var cacheMarker: CacheMarker?

    /// Creates an image.
    public init(_ source: MediaSource, detail: String? = nil, cacheMarker: CacheMarker? = nil) {
        self.source = source
        self.detail = detail
        self.cacheMarker = cacheMarker
    }
}

/// A document, for example a PDF.
public struct DocumentPart: Sendable, Hashable {
    /// Where it is.
    public var source: MediaSource
    /// The passages that a text is divided into, where the client chose what is cited as a whole; ``source`` has all of it.
    public var passages: [String] = []
    /// The file's name or title.
    public var title: String?
    /// What the model should know about it.
    public var context: String?
    /// Whether the reply may cite it.
    public var citationsEnabled: Bool?
    /// A prompt-cache marker.
    public var cacheMarker: CacheMarker?

    /// Creates a document.
    public init(_ source: MediaSource, title: String? = nil, cacheMarker: CacheMarker? = nil) {
        self.source = source
        self.title = title
        self.cacheMarker = cacheMarker
    }
}

/// Sound.
public struct AudioPart: Sendable, Hashable {
    /// The base64 data; empty where ``id`` refers to an earlier reply.
    public var data: String
    /// The format, for example `wav`.
    public var format: String?
    /// The provider's id of sound it made.
    public var id: String?
    /// What is said in it.
    public var transcript: String?
    /// When the provider forgets it, in seconds since 1970.
    public var expiresAt: Int?

    /// Creates sound.
    public init(data: String, format: String? = nil, id: String? = nil, transcript: String? = nil) {
        self.data = data
        self.format = format
        self.id = id
        self.transcript = transcript
    }
}

/// A call of a tool by the model.
public struct ToolCall: Sendable, Hashable {
    /// What the result refers to.
    public var id: String
    /// The tool.
    public var name: String
    /// The arguments as JSON text, as spelled; for a custom tool, the free text.
    public var arguments: String
    /// Whether the tool takes free text instead of JSON.
    public var isCustom: Bool
    /// A prompt-cache marker.
    public var cacheMarker: CacheMarker?

    /// Creates a call.
    public init(id: String, name: String, arguments: String, isCustom: Bool = false) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.isCustom = isCustom
    }
}

/// What a tool answered.
public struct ToolResult: Sendable, Hashable {
    /// The call that it answers.
    public var callID: String
    /// The tool's name, where the dialect says.
    public var name: String?
    /// The answer: text, images, documents.
    public var content: [ContentPart]
    /// Whether the tool failed.
    public var isError: Bool?
    /// A prompt-cache marker.
    public var cacheMarker: CacheMarker?

    /// Creates a result.
    public init(callID: String, content: [ContentPart], isError: Bool? = nil) {
        self.callID = callID
        self.content = content
        self.isError = isError
    }
}

/// Reasoning that can be read.
public struct ReasoningPart: Sendable, Hashable {
    /// The reasoning.
    public var text: String
    /// The provider's proof that it is its own.
    public var signature: String?

    /// Creates reasoning.
    public init(_ text: String, signature: String? = nil) {
        self.text = text
        self.signature = signature
    }
}

/// A part that only its own dialect knows.
public struct OpaquePart: Sendable, Hashable {
    /// The dialect.
    public var dialect: DialectID
    /// The part's type in that dialect.
    public var type: String
    /// The whole part as JSON.
    public var json: JSONText

    /// Creates a part.
    public init(dialect: DialectID, type: String, json: JSONText) {
        self.dialect = dialect
        self.type = type
        self.json = json
    }
}
