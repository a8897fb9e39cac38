public import HTTPTypes
public import NeedletailCore

/// What stays on the same side of a draw.
public enum StickyBasis: Sendable, Hashable {
    /// All requests of one client key.
    case key
    /// All turns of one conversation.
    case conversation
    /// Nothing: every request is drawn for by itself.
    case request
    /// All requests with one value of a header.
    case header(HTTPField.Name)
}

/// Draws for requests so that equal ones always draw the same: for percentages and experiments.
///
/// The draw is a hash and no random number: it needs no memory, is the same on every machine with the same
/// configuration, and can be explained afterwards.
public struct StickyShare: Sendable, Hashable {
    /// What stays together. A request that lacks it falls back: key or header to conversation, conversation to request.
    public let basis: StickyBasis
    /// Makes draws independent of one another.
    public let salt: UInt64

    /// Creates a draw.
    ///
    /// - Parameters:
    ///   - name: Of what is drawn for; another name is another draw.
    ///   - seed: Another seed is another draw.
    public init(_ basis: StickyBasis, name: String, seed: UInt64 = 0) {
        self.basis = basis
        var hash = StableHash(seed: seed)
        hash.combine(name)
        self.salt = hash.value
    }

    /// A number from 0 up to and without 1.
    public func unit(_ request: InferenceRequest, _ info: RequestInfo) -> Double {
        var hash = StableHash(seed: self.salt)
        switch self.basis {
        case .key:
            if let key = info.keyName { hash.combine(key) } else { Self.combineConversation(&hash, request, info) }
        case .header(let name):
            if let value = info.routingHeaders[name] {
                hash.combine(value)
            } else {
                Self.combineConversation(&hash, request, info)
            }
        case .conversation: Self.combineConversation(&hash, request, info)
        case .request: hash.combine(info.id)
        }
        return hash.unit
    }

    private static func combineConversation(
        _ hash: inout StableHash, _ request: InferenceRequest, _ info: RequestInfo
    ) {
        if let beginning = ConversationBeginning.hash(request) {
            hash.combine(beginning)
        } else {
            hash.combine(info.id)
        }
    }
}
