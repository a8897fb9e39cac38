public import HTTPTypes
public import NIOCore
public import NeedletailCore

/// Writes the response to one request. Exactly one of ``send(_:)`` or ``start(status:headers:)`` … ``finish()`` /
/// ``reset()`` is called.
///
/// May be used from anywhere; from the connection's own event loop, where a handler runs, nothing is scheduled. Calls
/// that come after the response's end, or out of order, do nothing.
public final class EdgeResponder: Sendable {
    private let connection: NIOLoopBound<EdgeConnection>
    private let loop: any EventLoop
    private let serial: UInt64

    init(_ connection: NIOLoopBound<EdgeConnection>, loop: any EventLoop, serial: UInt64) {
        self.connection = connection
        self.loop = loop
        self.serial = serial
    }

    /// Sends a whole response in one write.
    public func send(_ response: EdgeResponse) {
        self.onLoop { $0.send(response, serial: $1) }
    }

    /// Begins a streamed response.
    public func start(status: Int, headers: HTTPFields) {
        self.onLoop { $0.start(status: status, headers: headers, serial: $1) }
    }

    /// Sends a chunk, at the latest when the loop's turn ends, and returns when the client has taken enough of what was sent before.
    ///
    /// - Throws: `.cancelled` when the client has gone.
    public func write(_ chunk: ByteBuffer) async throws(NeedletailError) {
        let fate =
            self.loop.inEventLoop
            ? self.connection.value.write(chunk, serial: self.serial) : await self.writeFromElsewhere(chunk)
        switch fate {
        case .sent: return
        case .full where await self.untilWritable(): return
        case .full, .gone: throw NeedletailError(.cancelled, "The client has gone.")
        }
    }

    /// Ends a streamed response properly.
    public func finish() {
        self.onLoop { $0.finish(serial: $1) }
    }

    /// Breaks the connection (HTTP/2: the stream) without a proper end.
    public func reset() {
        self.onLoop { $0.reset(serial: $1) }
    }

    /// Never inlined: every stream would keep room for it.
    @inline(never)
    private func writeFromElsewhere(_ chunk: ByteBuffer) async -> ChunkFate {
        let (connection, serial) = (self.connection, self.serial)
        do {
            return try await self.loop.submit { connection.value.write(chunk, serial: serial) }.get()
        } catch {
            return .gone
        }
    }

    /// Never inlined, as above.
    @inline(never)
    private func untilWritable() async -> Bool {
        unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Bool, Never>) in
            self.onLoop { unsafe $0.wait(continuation, serial: $1) }
        }
    }

    private func onLoop(_ action: @escaping @Sendable (EdgeConnection, UInt64) -> Void) {
        if self.loop.inEventLoop {
            action(self.connection.value, self.serial)
        } else {
            let (connection, serial) = (self.connection, self.serial)
            self.loop.execute { action(connection.value, serial) }
        }
    }
}
