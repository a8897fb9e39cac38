import HTTPTypes
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailTransport

/// What became of a chunk.
enum ChunkFate {
    /// Sent, and the client keeps up.
    case sent
    /// Sent, and the client must take some of it before more comes.
    case full
    /// The client has gone.
    case gone
}

extension EdgeConnection {
    /// Bodies up to this size go out in one buffer with their head.
    private static let joinedBytes = 64 << 10
    /// Chunks and responses up to this size are copied into the loop's own buffer, which is cheaper than a write of
    /// several pieces and allocates nothing.
    private static let copiedBytes = 4 << 10

    /// Sends a whole response. Does nothing if the request has been answered.
    func send(_ answer: EdgeResponse, serial: UInt64) {
        guard serial == self.serial, self.response == .none, let context = self.context else { return }
        self.response = .done
        let hidesBody = self.head?.method == .HEAD
        if self.isHTTP2 { return self.sendHTTP2(answer, hidesBody: hidesBody, context) }
        let length = answer.body.readableBytes
        let framing: HTTP1Response.Framing = Self.mayHaveBody(answer.status) ? .length(length) : .none
        let sends = !hidesBody && length > 0 && Self.mayHaveBody(answer.status)
        if length <= Self.copiedBytes {
            self.shared.renewScratch(2 * Self.copiedBytes)
            self.writeHead(answer.status, answer.headers, framing, into: &self.shared.scratch)
            if sends { self.shared.scratch.writeImmutableBuffer(answer.body) }
            self.conclude(self.shared.scratch, context)
            return
        }
        let isJoined = length <= Self.joinedBytes
        var out = context.channel.allocator.buffer(capacity: 1024 + (isJoined && sends ? length : 0))
        self.writeHead(answer.status, answer.headers, framing, into: &out)
        guard sends else { return self.conclude(out, context) }
        if isJoined {
            out.writeImmutableBuffer(answer.body)
            self.conclude(out, context)
        } else {
            context.write(NIOAny(out), promise: nil)
            self.conclude(answer.body, context)
        }
    }

    /// Begins a streamed response.
    func start(status: Int, headers: HTTPFields, serial: UInt64) {
        guard serial == self.serial, self.response == .none, let context = self.context else { return }
        self.response = .streaming
        let isHead = self.head?.method == .HEAD
        if self.isHTTP2 {
            self.responseFraming = isHead ? .none : .chunked
            let head = HTTPResponseHead(
                version: .http2, status: HTTPResponseStatus(statusCode: status), headers: self.http2Headers(headers))
            context.write(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
        } else {
            let isOld = self.head.map { $0.version == .http1_0 } ?? true
            if isOld { self.keepsAlive = false }
            let framing: HTTP1Response.Framing = !Self.mayHaveBody(status) ? .none : isOld ? .close : .chunked
            self.shared.renewScratch(2 * Self.copiedBytes)
            self.writeHead(status, headers, framing, into: &self.shared.scratch)
            context.write(NIOAny(self.shared.scratch), promise: nil)
            self.responseFraming = isHead ? .none : framing
        }
        self.since = self.shared.now
        self.flushLater()
    }

    /// Lets what was written go out with what else the loop's turn brings.
    private func flushLater() {
        guard !self.isFlushDue else { return }
        self.isFlushDue = true
        self.shared.flushes.add(self)
    }

    func flushNow() {
        self.isFlushDue = false
        self.unflushedBytes = 0
        self.context?.flush()
    }

    /// Closes the connection; what has been written is sent as far as the socket takes it.
    func close() {
        guard let context = self.context else { return }
        context.flush()
        context.close(promise: nil)
    }

    /// Sends a chunk.
    func write(_ chunk: ByteBuffer, serial: UInt64) -> ChunkFate {
        guard serial == self.serial, self.response == .streaming, let context = self.context else { return .gone }
        let count = chunk.readableBytes
        self.since = self.shared.now
        if self.isHTTP2 {
            if case .chunked = self.responseFraming, count > 0 {
                context.write(NIOAny(HTTPServerResponsePart.body(.byteBuffer(chunk))), promise: nil)
            }
        } else {
            switch self.responseFraming {
            case _ where count == 0: break
            case .chunked where count <= Self.copiedBytes:
                self.shared.renewScratch(2 * Self.copiedBytes)
                HTTP1Response.writeChunkSize(count, into: &self.shared.scratch)
                self.shared.scratch.writeImmutableBuffer(chunk)
                self.shared.scratch.writeStaticString("\r\n")
                context.write(NIOAny(self.shared.scratch), promise: nil)
            case .chunked:
                var size = context.channel.allocator.buffer(capacity: 20)
                HTTP1Response.writeChunkSize(count, into: &size)
                context.write(NIOAny(size), promise: nil)
                context.write(NIOAny(chunk), promise: nil)
                context.write(NIOAny(Self.lineEnd), promise: nil)
            case .close, .length: context.write(NIOAny(chunk), promise: nil)
            case .none: break
            }
        }
        self.unflushedBytes += count
        if self.unflushedBytes < Self.joinedBytes { self.flushLater() } else { self.flushNow() }
        // The flush may have found the connection broken.
        guard self.response == .streaming else { return .gone }
        return context.channel.isWritable ? .sent : .full
    }

    /// Resumes `writer` when the client has taken enough, with `false` when it has gone.
    func wait(_ writer: UnsafeContinuation<Bool, Never>, serial: UInt64) {
        guard serial == self.serial, self.response == .streaming, let context = self.context else {
            unsafe writer.resume(returning: false)
            return
        }
        if context.channel.isWritable {
            unsafe writer.resume(returning: true)
            return
        }
        // Two writers at once break the contract; the earlier one is told to stop rather than left waiting.
        self.resumeWriter(false)
        unsafe self.writer = writer
    }

    /// Ends a streamed response properly.
    func finish(serial: UInt64) {
        guard serial == self.serial, self.response == .streaming, let context = self.context else { return }
        self.response = .done
        if self.isHTTP2 {
            context.write(NIOAny(HTTPServerResponsePart.end(nil)), promise: nil)
            self.flushLater()
        } else if case .chunked = self.responseFraming {
            self.conclude(Self.lastChunk, context)
        } else {
            self.conclude(ByteBuffer(), context)
        }
    }

    /// Breaks the response off.
    func reset(serial: UInt64) {
        guard serial == self.serial, self.response != .done, self.context != nil else { return }
        self.response = .done
        self.keepsAlive = false
        self.isEnding = true
        self.close()
    }

    /// Lets the client send the body it holds back (RFC 9110, section 10.1.1).
    func writeContinue() {
        guard let context = self.context else { return }
        if self.isHTTP2 {
            let head = HTTPResponseHead(version: .http2, status: .continue)
            context.writeAndFlush(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
        } else {
            context.writeAndFlush(NIOAny(Self.continueHead), promise: nil)
        }
    }

    // MARK: Parts

    private static let lineEnd = ByteBuffer(string: "\r\n")
    private static let lastChunk = ByteBuffer(string: "0\r\n\r\n")
    private static let continueHead = ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")

    private static func mayHaveBody(_ status: Int) -> Bool {
        status >= 200 && status != 204 && status != 304
    }

    private func writeHead(
        _ status: Int,
        _ headers: HTTPFields,
        _ framing: HTTP1Response.Framing,
        into out: inout ByteBuffer
    ) {
        let connection: StaticString? =
            if !self.keepsAlive {
                "connection: close\r\n"
            } else if let head = self.head, head.version == .http1_0 {
                "connection: keep-alive\r\n"
            } else {
                nil
            }
        var headers = headers
        if let cors = self.corsHeaders { headers.append(contentsOf: cors) }
        HTTP1Response.writeHead(
            status: status, headers: headers, framing: framing, connection: connection, date: self.shared.dateLine,
            into: &out)
    }

    /// Writes the last bytes of a response, and ends the connection if it was its last.
    private func conclude(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        guard !self.keepsAlive else {
            context.write(NIOAny(bytes), promise: nil)
            self.flushLater()
            return
        }
        self.since = self.shared.now
        self.isEnding = true
        let flushed = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(NIOAny(bytes), promise: flushed)
        flushed.futureResult.assumeIsolated().whenComplete { _ in
            self.isConcluded = true
            // With input still under way a full close would reset the connection and lose the response.
            context.close(mode: self.phase == .lingering ? .output : .all, promise: nil)
        }
    }

    /// Closes the connection after everything written has been sent.
    func closeWhenFlushed() {
        self.keepsAlive = false
        guard let context = self.context else { return }
        self.conclude(ByteBuffer(), context)
    }

    private func sendHTTP2(_ answer: EdgeResponse, hidesBody: Bool, _ context: ChannelHandlerContext) {
        var headers = self.http2Headers(answer.headers)
        if Self.mayHaveBody(answer.status) {
            headers.add(name: "content-length", value: String(answer.body.readableBytes))
        }
        let head = HTTPResponseHead(
            version: .http2, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
        context.write(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
        if answer.body.readableBytes > 0, !hidesBody, Self.mayHaveBody(answer.status) {
            context.write(NIOAny(HTTPServerResponsePart.body(.byteBuffer(answer.body))), promise: nil)
        }
        context.write(NIOAny(HTTPServerResponsePart.end(nil)), promise: nil)
        self.flushLater()
    }

    private func http2Headers(_ fields: HTTPFields) -> HTTPHeaders {
        var headers = HTTPHeaders()
        headers.reserveCapacity(fields.count + 2)
        for field in fields { headers.add(name: field.name.canonicalName, value: field.value) }
        if let cors = self.corsHeaders {
            for field in cors { headers.add(name: field.name.canonicalName, value: field.value) }
        }
        // "date: …\r\n" without its name and line end.
        headers.add(name: "date", value: String(self.shared.dateLine.dropFirst(6).dropLast(1)))
        return headers
    }
}
