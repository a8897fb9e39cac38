/// The addresses that begin alike, in CIDR notation (RFC 4632): `10.0.0.0/8`, `2001:db8::/32`; a bare address is one alone.
public struct ClientNetwork: Sendable, Hashable, CustomStringConvertible {
    /// As it was written.
    public let description: String
    private let high: UInt64
    private let low: UInt64
    private let masks: (high: UInt64, low: UInt64)

    /// Reads a network; `nil` for a text that is none. Bits beyond the prefix do not count.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]) else { return nil }
        let offset = address.isVersion4 && !parts[0].contains(":") ? 96 : 0
        var bits = 128
        if parts.count == 2 {
            guard parts[1].utf8.count <= 3, parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
                let prefix = Int(parts[1]), prefix <= 128 - offset
            else { return nil }
            bits = offset + prefix
        }
        self.description = text
        // Shifting by 64 gives 0.
        self.masks = (~(UInt64.max >> UInt64(min(bits, 64))), ~(UInt64.max >> UInt64(max(bits - 64, 0))))
        self.high = address.high & self.masks.high
        self.low = address.low & self.masks.low
    }

    /// Whether an address belongs to it.
    public func contains(_ address: IPAddress) -> Bool {
        address.high & self.masks.high == self.high && address.low & self.masks.low == self.low
    }

    /// Whether both were written alike.
    public static func == (left: Self, right: Self) -> Bool { left.description == right.description }
    /// Hashes what was written.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.description) }
}
