package import NIOCore
package import NIOHTTP1
package import NeedletailCore

/// Where a request comes from.
package enum ClientAddress {
    /// The client's address: the peer's, or, where that is a proxy that is believed, the last in `x-forwarded-for` that is
    /// no such proxy. `nil` where it is not known.
    package static func find(
        _ head: HTTPRequestHead, from peer: SocketAddress?, behind proxies: [ClientNetwork]
    ) -> IPAddress? {
        guard let text = peer?.ipAddress, var client = IPAddress(text.prefix { $0 != "%" }) else { return nil }
        guard proxies.contains(where: { $0.contains(client) }) else { return client }
        let hops = head.headers[canonicalForm: "x-forwarded-for"]
        for hop in hops.reversed() {
            // What is no address was not written by a proxy that is believed.
            guard let address = IPAddress(Self.address(hop)) else { return nil }
            client = address
            guard proxies.contains(where: { $0.contains(client) }) else { return client }
        }
        return client
    }

    /// An address without the port and the brackets that some proxies write.
    private static func address(_ hop: Substring) -> Substring {
        if hop.hasPrefix("["), let end = hop.firstIndex(of: "]") { return hop[..<end].dropFirst() }
        guard hop.utf8.contains(UInt8(ascii: ".")), let colon = hop.firstIndex(of: ":"), !hop.hasPrefix(":"),
            !hop[..<colon].isEmpty, hop[..<colon].contains(".")
        else { return hop }
        return hop[..<colon]
    }
}
