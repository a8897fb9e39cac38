extension IPAddress {
    /// Who counts as one client: an address of version 4, or the network of 64 bits that one of version 6 is in, of which one
    /// client has as many addresses as it likes. Written as `192.0.2.7`, or as four groups, `2001:db8:0:0`.
    public var clientNetwork: String {
        let (number, bits, radix) = self.isVersion4 ? (self.low, 8, 10) : (self.high, 16, 16)
        return (0..<4).reversed().map { String(number >> UInt64($0 * bits) & (1 << UInt64(bits) - 1), radix: radix) }
            .joined(separator: self.isVersion4 ? "." : ":")
    }
}
