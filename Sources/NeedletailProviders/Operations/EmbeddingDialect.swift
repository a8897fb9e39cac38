public import NIOCore
public import NeedletailCore

/// A dialect with an operation that makes vectors of texts.
public protocol EmbeddingDialect: Dialect, EmbeddingFormat {
    /// The most inputs that its servers take at once.
    static var maximumEmbeddingInputs: Int { get }
    /// Reads a client's request.
    ///
    /// - Throws: `.invalidRequest` with the field at fault.
    static func decodeEmbeddingRequest(
        _ body: ByteBuffer, _ operation: NeedletailCore.Operation
    ) throws(NeedletailError) -> EmbeddingRequest
    /// Writes a reply for a client.
    static func encodeEmbeddingReply(
        _ reply: EmbeddingReply, for request: EmbeddingRequest, _ operation: NeedletailCore.Operation,
        into out: inout ByteBuffer
    ) throws(NeedletailError)
    /// The usage that a reply tells, for passthrough.
    static func embeddingUsage(_ body: ByteBuffer) -> Usage?
}

extension EmbeddingDialect {
    /// As it is in the whole reply.
    public static func embeddingUsage(_ body: ByteBuffer) -> Usage? {
        (try? Self.decodeEmbeddingReply(body))?.usage
    }
}

extension EmbeddingReply.Vector {
    /// The vector as a JSON array of numbers.
    ///
    /// - Throws: `.malformedReply` if the base64 is none, or no row of 32-bit floats.
    func numbers() throws(NeedletailError) -> JSONText {
        switch self {
        case .numbers(let text): return text
        case .base64(let text):
            guard let bytes = Base64.decode(text), bytes.count % 4 == 0 else {
                throw NeedletailError(.malformedReply, "The provider sent a vector that is no base64 of floats.")
            }
            var json = JSONWriter()
            json.beginArray()
            for start in stride(from: 0, to: bytes.count, by: 4) {
                var bits: UInt32 = 0
                for offset in 0..<4 { bits |= UInt32(bytes[start + offset]) << UInt32(8 * offset) }
                let number = Float(bitPattern: bits)
                // The shortest spelling that reads back as the same float; JSON has no other numbers.
                json.raw(JSONText(unchecked: number.isFinite ? "\(number)" : "0"))
            }
            json.endArray()
            return JSONText(unchecked: json.bytes)
        }
    }

    /// The vector as little-endian 32-bit floats in base64.
    ///
    /// - Throws: `.malformedReply` if it holds anything but numbers.
    func base64() throws(NeedletailError) -> String {
        switch self {
        case .base64(let text): return text
        case .numbers(let text):
            var bytes: [UInt8] = []
            let view: JSONView
            do { view = try text.view() } catch {
                throw NeedletailError(.malformedReply, "The provider sent a vector that is no JSON.", cause: error)
            }
            for element in view.elements {
                guard let number = element.double else {
                    throw NeedletailError(.malformedReply, "The provider sent a vector that holds more than numbers.")
                }
                let bits = Float(number).bitPattern
                for offset in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(8 * offset))) }
            }
            return Base64.encode(bytes)
        }
    }
}
