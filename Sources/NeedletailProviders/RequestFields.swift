import NIOCore
import NeedletailCore

/// How the body of a request to one kind of upstream differs from the dialect's own.
public struct RequestFields: Sendable, Hashable {
    /// Members to add unless the request has them, as JSON.
    public var added: [String: String]
    /// Whether `model` is left out of a chat, because it stands in the path.
    public var omitsModel: Bool
    /// Whether `stream` is left out of a chat, because the path says it.
    public var omitsStream: Bool
    /// The member of a request to count tokens whose own members, but for the model, the upstream has at the top.
    public var unwrapped: String?
    /// Members that have another name, in requests that this library wrote itself.
    public var renamed: [String: String]
    /// Members that make the upstream refuse a request; left out of those that this library wrote itself, and reported.
    public var refused: Set<String>

    /// Creates a description.
    public init(
        added: [String: String] = [:],
        omitsModel: Bool = false,
        omitsStream: Bool = false,
        unwrapped: String? = nil,
        renamed: [String: String] = [:],
        refused: Set<String> = []
    ) {
        self.added = added
        self.omitsModel = omitsModel
        self.omitsStream = omitsStream
        self.unwrapped = unwrapped
        self.renamed = renamed
        self.refused = refused
    }

    /// Whether requests that a client wrote are changed too.
    var changesPassthrough: Bool {
        self.omitsModel || self.omitsStream || self.unwrapped != nil || !self.added.isEmpty
    }
    /// Whether there is anything to do for requests that this library wrote.
    var isEmpty: Bool { !self.changesPassthrough && self.renamed.isEmpty && self.refused.isEmpty }

    /// The body with its members changed; all others keep their bytes and order.
    ///
    /// - Parameters:
    ///   - isOurs: Whether this library wrote the body.
    ///   - renamed: Members that get another name.
    ///   - dropped: A member to leave out unreported.
    ///   - losses: Gets the members that were left out.
    func applied(
        to body: ByteBuffer,
        _ operation: NeedletailCore.Operation,
        isOurs: Bool,
        renaming renamed: [String: String] = [:],
        dropping dropped: String? = nil,
        losses: inout [Loss]
    ) throws(JSONError) -> ByteBuffer {
        let root = try JSONDocument(body).root
        var json = JSONWriter()
        json.beginObject()
        var missing = self.added
        for member in root.members {
            let key = member.key
            missing[key] = nil
            if self.omitsModel, operation == .chat, member.hasKey("model") { continue }
            if self.omitsStream, operation == .chat, member.hasKey("stream") { continue }
            if key == dropped { continue }
            if operation == .countTokens, key == self.unwrapped, member.value.kind == .object {
                for inner in member.value.members where !inner.hasKey("model") {
                    json.key(inner.key)
                    json.raw(inner.value.text)
                }
                continue
            }
            if isOurs, self.refused.contains(key) {
                losses.add(key, "the provider refuses it")
                continue
            }
            if let name = renamed[key], root.members.contains(where: { $0.key == name }) {
                losses.add(key, "the provider knows '\(name)' alone, which is there too")
                continue
            }
            if let name = renamed[key] { json.key(name) } else { json.key(member.key) }
            json.raw(member.value.text)
        }
        for (name, value) in missing.sorted(by: { $0.key < $1.key }) {
            json.key(name)
            json.raw(JSONText(unchecked: value))
        }
        json.endObject()
        return json.bytes
    }
}
