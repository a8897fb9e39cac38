public import NeedletailCore

extension EmbeddingReply.Vector {
    /// The vector's numbers.
    ///
    /// - Throws: `.malformedReply` if it holds anything else.
    public func floats() throws(NeedletailError) -> [Float] {
        switch self {
        case .numbers(let text):
            let view: JSONView
            do { view = try text.view() } catch {
                throw NeedletailError(.malformedReply, "The provider sent a vector that is no JSON.", cause: error)
            }
            var floats: [Float] = []
            for element in view.elements {
                guard let number = element.double else {
                    throw NeedletailError(.malformedReply, "The provider sent a vector that holds more than numbers.")
                }
                floats.append(Float(number))
            }
            return floats
        case .base64(let text):
            guard let bytes = Base64.decode(text), bytes.count % 4 == 0 else {
                throw NeedletailError(.malformedReply, "The provider sent a vector that is no base64 of floats.")
            }
            return stride(from: 0, to: bytes.count, by: 4).map { start in
                var bits: UInt32 = 0
                for offset in 0..<4 { bits |= UInt32(bytes[start + offset]) << UInt32(8 * offset) }
                return Float(bitPattern: bits)
            }
        }
    }
}
