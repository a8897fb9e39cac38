import Testing

/// Same dialect on both sides: the client's bytes, and the upstream's back.
@Suite("Fidelity", .timeLimit(.minutes(15)))
struct FidelityTests {
    /// A request full of what the gateway does not know, oddly spelled, with `model` where the caller wants it.
    private func request(_ model: String, stream: Bool) -> String {
        """
        {  "zz_first" : [1, 2.50, -0.0, 1E+2, 12345678901234567890123, {"deep":{"er":null}}],
          "model"\t:\t"\(model)" , "max_tokens":0100.
        """.replacing("0100.", with: "100") + #"""
            ,"messages":[{"role":"user","content":"caf\u00e9 \/ ☃ \ud83d\ude00","x_unknown":true}],
              "new_thing":{"a":"b","a":"c"},"stream":\#(stream), "":"empty key",
              "last":"é"}
            """#
    }

    private static let events: [Surface: String] = [
        .openAI: """
        : a comment\r
        \r
        data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"h\\u00e9","brand_new":[1e2]},"finish_reason":null}],"obfuscation":"xyz"}\r
        \r
        event: thread.surprise
        id: 77
        retry: 1500
        data: {"object":"thread.surprise","secret":  [1,2 ,3]}

        data:{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

        data: {"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4,"new_tokens":9}}

        data: [DONE]


        """,
        .anthropic: """
        event: message_start
        data: {"type":"message_start","message":{"id":"msg","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1,"new_tokens":5}}}

        event: ping
        data: {"type": "ping"}

        : a comment

        event: future_event
        id: 9
        data: {"type":"future_event","payload":{"x":[ 1 ]}}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"hologram","beam":1}}

        event: content_block_delta
        data: {"index":0,"type":"content_block_delta","delta":{"type":"hologram_delta","light":"\\u00e9"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"x":1},"usage":{"output_tokens":4}}

        event: message_stop
        data: {"type":"message_stop"}


        """,
    ]

    private func yaml(_ surface: Surface, _ port: Int) -> String {
        """
        providers:
          one:
            type: \(surface.provider)-compatible
            base_url: http://127.0.0.1:\(port)
            api_key: sk-upstream
            quirks: { stream_usage: true }
        """
    }

    private let clientHeaders = [
        "anthropic-beta: one-2025,two-2026", "anthropic-version: 2023-06-01", "openai-organization: org-1",
        "openai-project: proj-1", "authorization: Bearer sk-client", "x-api-key: sk-client", "cookie: a=b",
        "accept-encoding: gzip, br", "x-forwarded-for: 10.0.0.1",
    ]

    @Test(
        "a request's bytes reach the upstream but for the model, and a reply's bytes the client",
        arguments: Surface.allCases)
    func whole(surface: Surface) async throws {
        let reply =
            surface.wholeReply.dropLast()
            + #" , "unheard_of":{"a":[ 1,2 ]},"a":1,"a":2.0, "big":123456789012345678901 }"# + "\n"
        try await withUpstream({ peer, _ in peer.send(response(String(reply))) }) { upstream in
            try await withGateway(self.yaml(surface, upstream.port)) { gateway in
                let got = try await gateway.connect().post(
                    surface.path, self.request("one/up/m-1", stream: false), self.clientHeaders)
                #expect(got.status == 200 && got.body == String(reply), "\(got.body)")
                let (head, body) = try #require(Self.split(upstream.requests.first))
                #expect(body == self.request("up/m-1", stream: false))
                self.check(head, surface)
            }
        }
    }

    @Test("a stream's bytes and unknown events survive", arguments: Surface.allCases, [1, 7, 100_000])
    func streamed(surface: Surface, size: Int) async throws {
        let events = try #require(Self.events[surface])
        try await withUpstream({ peer, _ in
            var text = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            let bytes = Array(events.utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                let piece = bytes[start..<min(bytes.count, start + size)]
                text += "\(String(piece.count, radix: 16))\r\n\(String(decoding: piece, as: UTF8.self))\r\n"
            }
            peer.send(text + "0\r\n\r\n")
        }) { upstream in
            try await withGateway(self.yaml(surface, upstream.port)) { gateway in
                var request = self.request("one/up/m-1", stream: true)
                var expected = self.request("up/m-1", stream: true)
                // With the usage asked for there is nothing that the gateway would add or withhold.
                if surface == .openAI {
                    request = request.replacing(
                        #""last""#, with: #""stream_options":{"include_usage":true,"x":1},"last""#)
                    expected = expected.replacing(
                        #""last""#, with: #""stream_options":{"include_usage":true,"x":1},"last""#)
                }
                let got = try await gateway.connect().post(surface.path, request, self.clientHeaders)
                // A comment before the first event is not held back for it, and not sent before the commit either.
                #expect(got.body == events, "\(got.body)")
                let (head, body) = try #require(Self.split(upstream.requests.first))
                #expect(body == expected)
                self.check(head, surface)
                let counts = gateway.counts
                #expect(
                    (counts.requests, counts.inputTokens, counts.outputTokens) == (1, 3, surface == .openAI ? 1 : 4))
            }
        }
    }

    private func check(_ head: String, _ surface: Surface) {
        let head = head.lowercased()
        #expect(head.hasPrefix("post \(surface.path) http/1.1\r\n"))
        for header in self.clientHeaders.prefix(4) { #expect(head.contains("\r\n\(header)\r\n"), "\(header): \(head)") }
        // Whose request it is, is between client and gateway.
        for text in ["sk-client", "cookie", "gzip", "10.0.0.1", "x-needletail"] {
            #expect(!head.contains(text), "\(head)")
        }
        #expect(head.contains("sk-upstream"))
    }

    private static func split(_ request: String?) -> (head: String, body: String)? {
        guard let request else { return nil }
        let parts = request.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]) + "\r\n", String(parts[1])) : nil
    }
}
