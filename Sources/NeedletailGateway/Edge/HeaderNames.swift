import NeedletailTransport

/// The names of the last request's headers in their order: a client says the same ones again, and making a text of one
/// allocates and checks each letter.
struct HeaderNames {
    private var known: [String] = []
    /// How many are remembered.
    private static let most = 64
    /// How long a name may be that is remembered.
    private static let longest = 64

    /// The name at a place of a request's headers.
    mutating func name(_ place: Int, _ bytes: Span<UInt8>) throws(MalformedMessage) -> String {
        if place < self.known.count, Self.isSame(self.known[place], bytes) { return self.known[place] }
        try FieldLine.checkName(bytes)
        guard let text = try? UTF8Span(validating: bytes) else {
            throw MalformedMessage(reason: "sent a header with an invalid name")
        }
        let name = String(copying: text)
        guard bytes.count <= Self.longest else { return name }
        if place < self.known.count {
            self.known[place] = name
        } else if place == self.known.count, place < Self.most {
            self.known.append(name)
        }
        return name
    }

    private static func isSame(_ name: borrowing String, _ bytes: Span<UInt8>) -> Bool {
        let wanted = name.utf8.span
        guard wanted.count == bytes.count else { return false }
        for index in wanted.indices where wanted[index] != bytes[index] { return false }
        return true
    }
}
