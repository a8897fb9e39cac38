/// A request for vectors, in no dialect.
public struct EmbeddingRequest: Sendable, Hashable {
    /// What a vector is wanted for.
    public enum Input: Sendable, Hashable {
        case text(String)
        /// Token numbers, a JSON array.
        case tokens(JSONText)
        /// Something that only its own dialect knows, for example a picture.
        case opaque(JSONText, dialect: DialectID)
    }

    /// How vectors are to be written.
    public enum Encoding: String, Sendable, Hashable {
        case float, base64
    }

    /// The dialect that it was read from; `nil` if it was made in Swift.
    public var source: DialectID?
    /// The model's name.
    public var model: String
    /// The inputs, in order.
    public var inputs: [Input]
    /// The length of the vectors; `nil` leaves it to the model.
    public var dimensions: Int?
    /// How vectors are to be written; `nil` leaves it to the dialect.
    public var encoding: Encoding?
    /// What the vectors are for, in the model's own words: `query`, `document`, `classification`, `clustering`,
    /// `similarity`, or what the client wrote.
    public var purpose: String?
    /// The title of the document.
    public var title: String?
    /// Whether a text that is too long is cut (`start`, `end`) or refused (`none`); `nil` leaves it to the provider.
    public var truncation: String?
    /// A name for the end user.
    public var endUser: String?
    /// Fields that the model has no place for.
    public var extensions: [Extension]

    /// Creates a request.
    public init(model: String, inputs: [Input] = []) {
        self.model = model
        self.inputs = inputs
        self.extensions = []
    }
}

/// Vectors, in no dialect.
public struct EmbeddingReply: Sendable, Hashable {
    /// One vector.
    public enum Vector: Sendable, Hashable {
        /// A JSON array of numbers as spelled.
        case numbers(JSONText)
        /// Little-endian 32-bit floats in base64.
        case base64(String)
    }

    /// The model; empty if the provider did not say.
    public var model: String
    /// The vectors, in the order of the inputs.
    public var vectors: [Vector]
    /// The tokens spent.
    public var usage: Usage?

    /// Creates a reply.
    public init(model: String = "", vectors: [Vector] = [], usage: Usage? = nil) {
        self.model = model
        self.vectors = vectors
        self.usage = usage
    }
}
