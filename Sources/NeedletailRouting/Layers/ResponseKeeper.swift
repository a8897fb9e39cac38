import NIOCore
import NeedletailCore

/// Puts one response into the store when it is known.
struct ResponseKeeper: Sendable {
    let store: ResponseStore
    let tenant: String
    let provider: ProviderID
    /// The request; `nil` if the provider keeps the response itself.
    let creation: ResponseCreation?
    let previous: KeptResponse?
    let features: Features
    let owner: ResponseStoreState.Owner

    /// Takes a response as the client is sent it; whole, unless its provider keeps it.
    func keep(_ response: ByteBuffer) {
        guard let id = Self.id(of: response) else { return }
        let key = ResponseStoreState.Key(tenant: self.tenant, id: id)
        guard let creation = self.creation else {
            self.store.insert(.issued(by: self.provider), as: key, of: self.owner)
            return
        }
        if let kept = KeptResponse(response, to: creation, continuing: self.previous, features: self.features) {
            self.store.insert(.kept(kept), as: key, of: self.owner)
        }
    }

    /// The `id` at the top of a response.
    private static func id(of response: ByteBuffer) -> String? {
        let bytes = response.readableBytesUInt8Span
        do {
            let start = JSONScanner.skipWhitespace(bytes, 0)
            guard start < bytes.count, bytes[start] == UInt8(ascii: "{") else { return nil }
            var cursor = JSONObjectCursor(at: start)
            while let key = try cursor.next(bytes) {
                let value = cursor.valueStart
                let end = try JSONScanner.value(bytes, value)
                if JSONScanner.isKey(bytes, key, "id"), bytes[value] == UInt8(ascii: "\"") {
                    return JSONScanner.text(bytes, value..<end)
                }
                cursor.valueEnded(at: end)
            }
        } catch {
            return nil
        }
        return nil
    }
}

/// Passes a stream on and takes the response out of it: of one that its provider keeps the id, which stands in the first
/// event; of any other the whole, which stands in the last.
final class ResponseKeepingReader: ReplyReader {
    private var chunks: ReplyStream.Iterator
    private let keeper: ResponseKeeper
    private var events = SSEDecoder()
    private var isKept = false

    init(_ stream: ReplyStream, _ keeper: ResponseKeeper) {
        self.chunks = stream.makeAsyncIterator()
        self.keeper = keeper
    }

    /// The next chunk. A response is kept before its end goes out, so that the client can go on from it at once.
    func next() async throws(NeedletailError) -> ByteBuffer? {
        guard let chunk = try await self.chunks.next() else { return nil }
        if !self.isKept { self.look(at: chunk) }
        return chunk
    }

    private func look(at chunk: ByteBuffer) {
        self.events.feed(chunk)
        do {
            while !self.isKept, let event = try self.events.next() {
                guard self.isWanted(event.data), let root = try? JSONDocument(event.data).root,
                    let response = root.present("response")
                else { continue }
                self.keeper.keep(response.raw)
                self.isKept = true
            }
        } catch {
            // Another's to tell; there is nothing to keep.
            self.isKept = true
        }
    }

    /// Whether an event holds what is to be kept. The type stands first in the events that the gateway writes.
    private func isWanted(_ data: ByteBuffer) -> Bool {
        guard self.keeper.creation != nil else { return true }
        let bytes = data.readableBytesUInt8Span
        return ["{\"type\":\"response.completed\"", "{\"type\":\"response.incomplete\""].contains {
            (start: StaticString) in
            bytes.count > start.utf8CodeUnitCount && JSONScanner.matches(bytes, 0, start)
        }
    }
}
