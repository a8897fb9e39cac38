import Glibc

/// A TCP port of this machine that refuses every connection: bound, so that nobody else is given it, and not listening.
public final class RefusingPort: Sendable {
    private let descriptor: CInt
    /// The port; 0 if the system gave none.
    public let port: Int

    /// Takes a port; it is free again when this object is gone.
    public init() {
        self.descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(descriptor, pointer, length) | getsockname(descriptor, pointer, &length)
            }
        }
        self.port = status == 0 ? Int(UInt16(bigEndian: address.sin_port)) : 0
    }

    deinit { close(self.descriptor) }
}
