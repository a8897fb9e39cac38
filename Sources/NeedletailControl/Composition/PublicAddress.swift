import NIOCore

/// Which addresses anybody on the Internet may reach.
enum PublicAddress {
    /// False for loopback, private, link-local, shared, multicast and reserved addresses (RFC 6890), and for IPv6
    /// addresses that carry an IPv4 address.
    @Sendable
    static func isPublic(_ address: SocketAddress) -> Bool {
        guard let text = address.ipAddress else { return false }
        if !text.contains(":") { return Self.isPublicV4(text.split(separator: ".").compactMap { UInt8($0) }) }
        let folded = text.lowercased()
        if let mapped = folded.split(separator: ":").last, mapped.contains(".") {
            return Self.isPublicV4(mapped.split(separator: ".").compactMap { UInt8($0) })
        }
        // Global unicast is 2000::/3 (RFC 4291). 64:ff9b::/96 and 2002::/16 translate to IPv4, as do parts of 2001::/23,
        // which is for protocols (RFC 2928); all are refused.
        let groups = folded.split(separator: ":", omittingEmptySubsequences: false).map { UInt16($0, radix: 16) ?? 0 }
        guard groups.count > 1, groups[0] & 0xE000 == 0x2000, groups[0] != 0x2002 else { return false }
        return groups[0] != 0x2001 || groups[1] >= 0x0200
    }

    private static func isPublicV4(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 4 else { return false }
        switch (bytes[0], bytes[1]) {
        case (0, _), (10, _), (127, _), (169, 254), (172, 16...31), (192, 168), (192, 0), (198, 18...19), (224..., _):
            return false
        case (100, 64...127): return false
        default: return true
        }
    }
}
