import NeedletailControl
import NeedletailCore
import Testing

/// Deny lists, redaction and hooks through a whole gateway: what leaves, what comes back, and what is refused.
@Suite("Privacy, end to end", .timeLimit(.minutes(5)))
struct PrivacyTests {
    /// Answers a chat with the last user's text, whole or as a stream that tells it letter by letter.
    private static func echo(_ peer: RawUpstream.Peer, _ request: String) {
        let body = request.split(separator: "\r\n\r\n", maxSplits: 1).last.map { String($0) } ?? ""
        let root = try? JSONText(body).view()
        let text = root?["messages"]?.elements.reduce("") { $1["content"]?.string ?? $0 } ?? ""
        guard root?["stream"]?.bool == true else {
            return peer.send(
                response(
                    #"{"id":"c","object":"chat.completion","model":"x","choices":[{"index":0,"message":{"role":"assistant","content":\#(JSONText(string: text))},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#
                ))
        }
        let chunks = text.map {
            #"data: {"id":"c","object":"chat.completion.chunk","model":"x","choices":[{"index":0,"delta":{"content":\#(JSONText(string: String($0)))}}]}"#
        }
        let end =
            #"data: {"id":"c","object":"chat.completion.chunk","model":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
        peer.send(
            response((chunks + [end, "data: [DONE]"]).joined(separator: "\n\n") + "\n\n", type: "text/event-stream"))
    }

    private static func yaml(_ upstream: RawUpstream, _ privacy: String) -> String {
        """
        providers:
          up: { type: openai-compatible, base_url: "http://127.0.0.1:\(upstream.port)", api_key: sk-test }
        models:
          m: { targets: [up/real-model] }
        privacy: \(privacy)
        """
    }

    private static func chat(_ text: String, stream: Bool = false) -> String {
        #"{"model":"m","max_tokens":50\#(stream ? #","stream":true"# : ""),"messages":[{"role":"user","content":"\#(text)"}]}"#
    }

    private static func text(_ body: String) -> String {
        body.split(separator: "\n").filter { $0.hasPrefix("data: {") }.reduce(into: "") { text, line in
            let root = try? JSONText(String(line.dropFirst(6))).view()
            text += root?["choices"]?.elements.first { _ in true }?["delta"]?["content"]?.string ?? ""
            text += root?["delta"]?["text"]?.string ?? ""
        }
    }

    @Test("a provider never sees the values, and the client gets them back, in its own dialect, whole and streamed")
    func redacts() async throws {
        try await withUpstream({ Self.echo($0, $1) }) { upstream in
            try await withGateway(Self.yaml(upstream, "{ redact: true }")) { gateway in
                let client = try await gateway.connect()
                let said = "I am joe@example.com, +49 171 1234567"
                let whole = try await client.post("/v1/chat/completions", Self.chat(said))
                #expect(whole.status == 200 && whole.body.contains(said), "\(whole.body)")
                let message = try await client.post("/v1/messages", Self.chat(said))
                #expect(message.status == 200 && message.body.contains(said), "\(message.body)")
                for path in ["/v1/chat/completions", "/v1/messages"] {
                    let streamed = try await client.post(path, Self.chat(said, stream: true))
                    #expect(streamed.status == 200 && Self.text(streamed.body) == said, "\(streamed.body)")
                }
                #expect(upstream.requests.count == 4)
                for request in upstream.requests {
                    #expect(!request.contains("joe@") && !request.contains("1234567"))
                    #expect(request.contains("[EMAIL_") && request.contains("[PHONE_"))
                }
            }
        }
    }

    @Test("what is refused is told in the client's dialect, and asks nobody")
    func refuses() async throws {
        let privacy = "{ redact: { action: log, card: refuse }, deny: [{ name: projects, words: [falcon] }] }"
        try await withUpstream({ Self.echo($0, $1) }) { upstream in
            try await withGateway(Self.yaml(upstream, privacy)) { gateway in
                let client = try await gateway.connect()
                let denied = try await client.post("/v1/messages", Self.chat("The Falcon flies"))
                #expect(denied.status == 400 && denied.body.contains("'projects'"), "\(denied.body)")
                #expect(denied.body.contains(#""type":"invalid_request_error""#) && !denied.body.contains("lcon"))
                let card = try await client.post("/v1/chat/completions", Self.chat("4111 1111 1111 1111"))
                #expect(card.status == 400 && card.body.contains("card") && !card.body.contains("4111"))
                #expect(upstream.requests.isEmpty)
                let logged = try await client.post("/v1/chat/completions", Self.chat("joe@example.com"))
                #expect(logged.status == 200)
                #expect(upstream.requests.allSatisfy { $0.contains("joe@example.com") })
            }
        }
    }

    @Test("a webhook sees placeholders, may refuse and replace, and is signed")
    func hooks() async throws {
        try await withUpstream({ Self.echo($0, $1) }) { upstream in
            try await withUpstream({ peer, request in
                let answer =
                    request.contains("forbidden") && request.contains(#""phase":"before""#)
                    ? #"{"action":"refuse","message":"Not that."}"#
                    : request.contains("secret plan")
                        ? #"{"action":"replace","texts":[{"index":0,"text":"[gone]"}]}"# : #"{"action":"allow"}"#
                peer.send(response(answer))
            }) { hook in
                let privacy =
                    "{ redact: true, hooks: [{ name: check, url: 'http://127.0.0.1:\(hook.port)/judge', secret: whsec_c2VjcmV0, when: [before, after] }] }"
                try await withGateway(Self.yaml(upstream, privacy)) { gateway in
                    let client = try await gateway.connect()
                    let fine = try await client.post("/v1/chat/completions", Self.chat("hi joe@example.com"))
                    #expect(fine.status == 200 && fine.body.contains("hi joe@example.com"))
                    let refused = try await client.post("/v1/chat/completions", Self.chat("forbidden"))
                    #expect(refused.status == 400 && refused.body.contains("Not that."))
                    let replaced = try await client.post(
                        "/v1/chat/completions", Self.chat("a secret plan", stream: true))
                    #expect(Self.text(replaced.body) == "[gone]")
                    let requests = hook.requests
                    #expect(requests.count == 5)
                    for request in requests {
                        #expect(!request.contains("joe@"))
                        #expect(request.contains("webhook-signature: v1,") && request.contains("webhook-timestamp: "))
                        #expect(request.hasPrefix("POST /judge "))
                    }
                    #expect(
                        upstream.requests.count == 2 && upstream.requests.allSatisfy { !$0.contains("secret plan") })
                }
            }
        }
    }

    @Test("a hook that is away stops calls, or does not", arguments: ["refuse", "allow"])
    func away(_ choice: String) async throws {
        try await withUpstream({ Self.echo($0, $1) }) { upstream in
            try await withUpstream({ peer, _ in peer.send(response("{}", "500 Broken")) }) { hook in
                let privacy =
                    "{ hooks: [{ name: check, url: 'http://127.0.0.1:\(hook.port)', on_failure: \(choice) }] }"
                try await withGateway(Self.yaml(upstream, privacy)) { gateway in
                    let client = try await gateway.connect()
                    let reply = try await client.post("/v1/chat/completions", Self.chat("hi"))
                    #expect(reply.status == (choice == "allow" ? 200 : 503))
                    let metrics = try await TestClient.connect(gateway.adminPort).ask("GET", "/metrics")
                    #expect(
                        metrics.body.contains(
                            #"needletail_guard_events_total{guard="hook",name="check",outcome="failed_\#(choice == "allow" ? "open" : "closed")"} 1"#
                        ),
                        "\(metrics.body.split(separator: "\n").filter { $0.contains("guard") })")
                }
            }
        }
    }

    @Test("a conversation that the gateway keeps is kept in the clear and sent redacted")
    func responses() async throws {
        try await withUpstream({ Self.echo($0, $1) }) { upstream in
            try await withGateway(Self.yaml(upstream, "{ redact: true }")) { gateway in
                let client = try await gateway.connect()
                let first = try await client.post(
                    "/v1/responses", #"{"model":"m","input":"I am joe@example.com"}"#)
                #expect(first.status == 200 && first.body.contains("joe@example.com"), "\(first.body)")
                let id = try #require(try JSONText(first.body).view()["id"]?.string)
                let kept = try await client.ask("GET", "/v1/responses/\(id)")
                #expect(kept.body.contains("joe@example.com"))
                let second = try await client.post(
                    "/v1/responses", #"{"model":"m","previous_response_id":"\#(id)","input":"and ann@example.com"}"#)
                #expect(second.status == 200 && second.body.contains("ann@example.com"), "\(second.body)")
                let sent = try #require(upstream.requests.last)
                #expect(!sent.contains("@example.com"))
                #expect(sent.matches(of: /\[EMAIL_[A-Z2-7]{6}\]/).count == 3)
            }
        }
    }
}
