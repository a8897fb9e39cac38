import NIOCore
import NeedletailCore

/// A response that the gateway keeps, with the conversation that led to it.
struct KeptResponse: Sendable {
    /// The items before this response's own: the input and output of those that it continues.
    var history: [JSONText]
    /// The items of its own input.
    var input: [JSONText]
    /// The items that it consists of.
    var output: [JSONText]
    /// The whole response.
    var response: JSONText
    /// What the model had to be able to do.
    var features: Features

    /// The conversation up to and with this response.
    var conversation: [JSONText] { self.history + self.input + self.output }

    /// Bytes. What several responses of a conversation share is counted for each of them.
    var size: Int {
        var size = self.response.bytes.readableBytes
        for item in self.history { size += item.bytes.readableBytes + Self.itemSize }
        for item in self.input { size += item.bytes.readableBytes + Self.itemSize }
        return size + self.output.count * Self.itemSize
    }

    /// What an item takes in its list.
    private static let itemSize = 48

    /// Takes a finished response; `nil` for what is none.
    ///
    /// - Parameter response: The response as the client is sent it.
    init?(
        _ response: ByteBuffer, to request: ResponseCreation, continuing previous: KeptResponse?, features: Features
    ) {
        // A copy, so that no larger buffer is kept alive.
        let copy = ByteBuffer(bytes: response.readableBytesView)
        guard let root = try? JSONDocument(copy).root, let output = root.present("output"), output.kind == .array else {
            return nil
        }
        self.response = JSONText(unchecked: copy)
        self.output = output.elements.map(\.text)
        self.input = request.input
        self.history = previous?.conversation ?? []
        self.features = features
    }

    // MARK: Lists

    /// The items of the input as `GET /v1/responses/{id}/input_items` lists them:
    /// <https://platform.openai.com/docs/api-reference/responses/input-items>.
    ///
    /// - Throws: `.invalidRequest` for a limit that is none, an order that is none, and an id that is not in the list.
    func list(id: String, _ query: ResponseListQuery) throws(NeedletailError) -> ByteBuffer {
        var items = self.input.enumerated().map {
            Self.listed($0.element, "\(id.replacing("resp_", with: ""))_in_\($0.offset)")
        }
        if !query.isAscending { items.reverse() }
        if let after = query.after {
            guard let place = items.firstIndex(where: { $0.id == after }) else {
                throw NeedletailError(.invalidRequest, "There is no item '\(after.prefix(100))'.", parameter: "after")
            }
            items.removeFirst(place + 1)
        }
        let page = items.prefix(query.limit)
        var json = JSONWriter()
        json.beginObject()
        json.member("object", "list")
        json.key("data")
        json.beginArray()
        for item in page { json.raw(item.json) }
        json.endArray()
        json.key("first_id")
        if let first = page.first { json.string(first.id) } else { json.null() }
        json.key("last_id")
        if let last = page.last { json.string(last.id) } else { json.null() }
        json.key("has_more")
        json.bool(page.count < items.count)
        json.endObject()
        return json.bytes
    }

    /// An item with all that a list shows of it, whatever the client left out: type, id, status, content as parts.
    private static func listed(_ item: JSONText, _ madeID: String) -> (id: String, json: JSONText) {
        guard let view = try? item.view(), view.kind == .object else { return (madeID, item) }
        let isMessage = view.present("type")?.string ?? "message" == "message"
        let id = view.present("id")?.string ?? (isMessage ? "msg_" : "item_") + madeID
        var json = JSONWriter()
        json.beginObject()
        json.member("id", id)
        if view.present("type") == nil { json.member("type", "message") }
        if isMessage, view.present("status") == nil { json.member("status", "completed") }
        for member in view.members where !member.hasKey("id") {
            json.key(member.key)
            guard isMessage, member.hasKey("content"), let text = member.value.string else {
                json.raw(member.value.text)
                continue
            }
            json.beginArray()
            json.beginObject()
            json.member("type", view["role"]?.string == "assistant" ? "output_text" : "input_text")
            json.member("text", text)
            json.endObject()
            json.endArray()
        }
        json.endObject()
        return (id, JSONText(unchecked: json.bytes))
    }
}

/// The query of a list of items.
struct ResponseListQuery {
    /// From 1 to 100; default 20.
    var limit = 20
    /// Whether the oldest comes first; by default the newest does.
    var isAscending = false
    /// The item after which the list begins.
    var after: String?

    /// Reads `limit=20&order=asc&after=msg_1`; other fields are passed over.
    init(_ query: String) throws(NeedletailError) {
        for field in query.split(separator: "&") {
            let pair = field.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            switch pair[0] {
            case "limit":
                guard let limit = Int(pair[1]), (1...100).contains(limit) else {
                    throw NeedletailError(
                        .invalidRequest, "Invalid 'limit': expected a number from 1 to 100.", parameter: "limit")
                }
                self.limit = limit
            case "order":
                guard pair[1] == "asc" || pair[1] == "desc" else {
                    throw NeedletailError(
                        .invalidRequest, "Invalid 'order': expected 'asc' or 'desc'.", parameter: "order")
                }
                self.isAscending = pair[1] == "asc"
            case "after": self.after = String(pair[1])
            default: break
            }
        }
    }
}
