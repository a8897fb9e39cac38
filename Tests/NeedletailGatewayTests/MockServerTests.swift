import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import Testing

@testable import NeedletailGateway

@Suite("Mock server", .timeLimit(.minutes(15)))
struct MockServerTests {
    /// Serves `script` while `body` runs.
    private func serve(
        _ script: MockScript,
        _ body: (MockEngine, SocketAddress) async throws -> Void
    ) async throws {
        let engine = MockEngine(script: script)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = EdgeServer(
            configuration: EdgeConfiguration(port: 0),
            handler: MockServerHandler(engine: engine, time: .live),
            group: group,
            time: .live,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let address = try await server.start()
        do { try await body(engine, address) } catch {
            await server.drain(limit: .zero)
            try await group.shutdownGracefully()
            throw error
        }
        await server.drain(limit: .zero)
        try await group.shutdownGracefully()
    }

    /// Sends one request and reads until the server closes or `marker` has come, after which it hangs up.
    private func exchange(
        _ address: SocketAddress,
        _ method: String,
        _ path: String,
        body: String = "",
        until marker: String? = nil
    ) async throws -> String {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(to: address) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let close = marker == nil ? "connection: close\r\n" : ""
        let head = "\(method) \(path) HTTP/1.1\r\nhost: x\r\n\(close)content-length: \(body.utf8.count)\r\n\r\n"
        var text = ""
        do {
            try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: head + body))
                for try await bytes in inbound {
                    text += String(buffer: bytes)
                    if let marker, text.contains(marker) { break }
                }
            }
        } catch is IOError {
            // A connection that was broken off.
        }
        return text
    }

    private let streamed = String(buffer: MockDialectCase.openAI.request(stream: true).body)

    @Test("it answers in every dialect and says what it served")
    func serves() async throws {
        try await self.serve(MockScript(usage: MockUsage(input: 5, output: 7), delay: .zero)) { engine, address in
            for dialect in MockDialectCase.allCases {
                let whole = String(buffer: dialect.request().body)
                let stream = String(buffer: dialect.request(stream: true).body)
                #expect(try await self.exchange(address, "POST", dialect.path, body: whole).contains("200 OK"))
                let text = try await self.exchange(address, "POST", dialect.path, body: stream)
                #expect(text.contains("text/event-stream") && text.hasSuffix("0\r\n\r\n"))
            }
            let stats = try await self.exchange(address, "GET", "/__mock/stats")
            #expect(
                stats.contains(
                    #""requests":4,"completed":4,"aborted":0,"faults":0,"input_tokens":20,"output_tokens":28"#))
            #expect(stats.contains(#""by_model":{"mock-model":{"requests":4"#))
            #expect(try await self.exchange(address, "POST", "/__mock/reset").contains("200 OK"))
            #expect(engine.statistics.total == MockStatistics.Counts())
        }
    }

    @Test(
        "a break gives what came before it and nothing that looks like an end",
        arguments: [
            (MockFault.Place.connect, "", "HTTP/1.1"), (.headers, "", "HTTP/1.1"),
            (.firstEvent, "HTTP/1.1 200 OK", "data:"), (.chunk(3), "\"content\":\" is\"", "\"content\":\" a\""),
            (.beforeDone, "\"finish_reason\":\"stop\"", "[DONE]"),
        ])
    func breaks(place: MockFault.Place, has: String, lacks: String) async throws {
        let script = MockScript(delay: .zero, rules: [MockRule(fault: MockFault(at: place, kind: .reset))])
        try await self.serve(script) { engine, address in
            let text = try await self.exchange(address, "POST", "/v1/chat/completions", body: self.streamed)
            #expect(has.isEmpty ? text.isEmpty : text.contains(has), "\(text)")
            #expect(!text.contains(lacks) && !text.hasSuffix("0\r\n\r\n"), "\(text)")
            let total = engine.statistics.total
            #expect((total.requests, total.completed, total.aborted, total.faults) == (1, 0, 0, 1))
        }
    }

    @Test("a client that hangs up is counted with what it got")
    func disconnects() async throws {
        let script = MockScript(delay: .zero, rules: [MockRule(fault: MockFault(at: .chunk(3), kind: .stall))])
        try await self.serve(script) { engine, address in
            // The fault must not hide who ended it: the stall cuts the reply short.
            _ = try await self.exchange(
                address, "POST", "/v1/chat/completions", body: self.streamed, until: "\"content\":\" is\"")
            while engine.statistics.total.faults == 0 { await Task.yield() }
            #expect(engine.statistics.total.outputTokens == 2)
        }
        var scripted = MockScriptedReply()
        scripted.chunkDelay = .seconds(3_600)
        try await self.serve(MockScript(delay: .zero, rules: [MockRule(reply: scripted)])) { engine, address in
            _ = try await self.exchange(
                address, "POST", "/v1/chat/completions", body: self.streamed, until: "\"role\":\"assistant\"")
            while engine.statistics.total.aborted == 0 { await Task.yield() }
            #expect(engine.statistics.total.completed == 0)
            #expect(engine.statistics.total.outputTokens == 0)
        }
    }
}
