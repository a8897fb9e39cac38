import NIOCore
import NeedletailCore

/// What the store must know of a request for a response.
struct ResponseCreation {
    private let body: ByteBuffer
    /// The response that it continues.
    private(set) var previousID: String?
    /// Whether the response may be kept; so it is unless the client says otherwise.
    private(set) var isStored = true

    /// Scans the top level; nothing is decoded. The body has been checked to be a JSON object.
    init(_ body: ByteBuffer) {
        self.body = body
        let bytes = body.readableBytesUInt8Span
        do {
            var cursor = JSONObjectCursor(at: JSONScanner.skipWhitespace(bytes, 0))
            while let key = try cursor.next(bytes) {
                let start = cursor.valueStart
                let end = try JSONScanner.value(bytes, start)
                if JSONScanner.isKey(bytes, key, "store") {
                    self.isStored = bytes[start] != UInt8(ascii: "f")
                } else if JSONScanner.isKey(bytes, key, "previous_response_id"), bytes[start] == UInt8(ascii: "\"") {
                    self.previousID = JSONScanner.text(bytes, start..<end)
                }
                cursor.valueEnded(at: end)
            }
        } catch {
            // What is no JSON is refused further in, in the dialect's words.
            return
        }
    }

    /// The items of the input, each copied; text is a message of the user's.
    var input: [JSONText] {
        guard let root = try? JSONDocument(self.body).root, let input = root.present("input") else { return [] }
        return Self.items(input).map { JSONText(unchecked: ByteBuffer(bytes: $0.bytes.readableBytesView)) }
    }

    private static func items(_ input: JSONView) -> [JSONText] {
        guard let text = input.string else { return input.elements.map(\.text) }
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "message")
        json.member("role", "user")
        json.member("content", text)
        json.endObject()
        return [JSONText(unchecked: json.bytes)]
    }

    /// The request with the conversation that it continues in the place of its id.
    ///
    /// - Throws: `.invalidRequest` for a body that is no JSON.
    func expanded(with conversation: [JSONText]) throws(NeedletailError) -> (ByteBuffer, BodyLandmarks) {
        let root: JSONView
        do throws(JSONError) {
            root = try JSONDocument(self.body).root
        } catch {
            throw NeedletailError(.invalidRequest, "We could not parse the JSON body of your request: \(error).")
        }
        // What another provider said may be in it.
        var landmarks = BodyLandmarks(mayHoldState: true)
        var json = JSONWriter()
        json.beginObject()
        for member in root.members where !member.hasKey("previous_response_id") && !member.hasKey("input") {
            json.key(member.key)
            let start = json.bytes.readableBytes
            json.raw(member.value.text)
            if member.hasKey("model") { landmarks.model = start..<json.bytes.readableBytes }
        }
        json.key("input")
        json.beginArray()
        for item in conversation { json.raw(item) }
        if let input = root.present("input") {
            for item in Self.items(input) { json.raw(item) }
        }
        json.endArray()
        json.endObject()
        landmarks.end = json.bytes.readableBytes - 1
        return (json.bytes, landmarks)
    }
}
