package import NIOHTTP1

/// The names by which a listener that needs no key may be asked: whatever else a browser asks for is another site's
/// doing (DNS rebinding).
package struct AllowedHosts: Sendable {
    /// The names of this machine.
    private static let loopback: Set<String> = ["localhost", "127.0.0.1", "[::1]"]

    private let names: Set<String>

    /// The names of this machine, and `host`.
    package init(loopbackAnd host: String) {
        self.names = Self.loopback.union([host.lowercased()])
    }

    /// Whether the request names one of them, and comes from a page of one of them if it comes from a page.
    package func allow(_ head: HTTPRequestHead) -> Bool {
        guard let host = head.headers.first(name: "host"), self.names.contains(Self.name(host[...])) else {
            return false
        }
        guard let origin = head.headers.first(name: "origin") else { return true }
        guard let scheme = ["http://", "https://"].first(where: { origin.hasPrefix($0) }) else { return false }
        return self.names.contains(Self.name(origin.dropFirst(scheme.count)))
    }

    /// A host without its port; all of it where what follows the name is no port.
    private static func name(_ host: Substring) -> String {
        var name = host.prefix { $0 != ":" }
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { name = host[...end] }
        let port = host[name.endIndex...]
        let isPort = port.isEmpty || port.first == ":" && port.utf8.dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        return (isPort ? name : host).lowercased()
    }
}
