import Crypto
import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailRouting

/// A hook over HTTP: the call as JSON, signed as [Standard Webhooks](https://www.standardwebhooks.com) has it; the answer's
/// `action` is `allow`, `refuse` or `replace`.
struct WebhookHook: Hook {
    let name: String
    private let configuration: HookConfiguration
    private let transport: any HTTPTransport
    private let time: TimeSource

    init(_ configuration: HookConfiguration, transport: any HTTPTransport, time: TimeSource) {
        self.name = configuration.name
        self.configuration = configuration
        self.transport = transport
        self.time = time
    }

    func review(_ call: HookCall, deadline: Instant?) async throws(NeedletailError) -> HookVerdict {
        let body = Self.body(call)
        let timeout = self.configuration.timeout
        let response = try await self.transport.send(
            TransportRequest(
                method: .post, path: self.configuration.url.path.isEmpty ? "/" : self.configuration.url.path,
                headers: self.headers(call, body), body: body,
                timeouts: Timeouts(connect: timeout, firstToken: timeout, idle: timeout, total: timeout),
                deadline: deadline))
        guard (200..<300).contains(response.status) else {
            response.body.cancel()
            throw NeedletailError(.upstreamFailed, "It answered with status \(response.status).")
        }
        // What replaces texts may be somewhat longer than they were.
        let answer = try await response.body.collect(upTo: 2 * self.configuration.maximumSize + 64 << 10)
        return try Self.verdict(answer, texts: call.texts.count)
    }

    // MARK: Asking

    static func body(_ call: HookCall) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("phase", call.phase.rawValue)
        json.member("request_id", call.requestID)
        json.member("operation", call.operation.rawValue)
        json.member("model", call.model)
        json.member("provider", call.provider?.rawValue)
        json.member("key", call.key)
        json.member("tenant", call.tenant)
        json.member("user", call.user)
        json.member("stream", call.isStreaming)
        json.key("texts")
        json.beginArray()
        for (index, text) in call.texts.enumerated() {
            json.beginObject()
            json.member("index", index)
            json.member("path", text.path)
            json.member("role", text.role)
            json.member("text", text.text)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    private func headers(_ call: HookCall, _ body: ByteBuffer) -> HTTPFields {
        var headers: HTTPFields = [
            .contentType: "application/json", .userAgent: "needletail/\(NeedletailVersion.current)",
        ]
        for header in self.configuration.headers {
            if let name = HTTPField.Name(header.name) { headers[name] = header.value.exposed }
        }
        let id = "\(call.requestID).\(call.phase.rawValue)"
        let timestamp = String(self.time.wallSeconds())
        headers[.webhookID] = id
        headers[.webhookTimestamp] = timestamp
        if let secret = self.configuration.secret {
            headers[.webhookSignature] = Self.signature(id: id, timestamp: timestamp, body: body, secret: secret)
        }
        return headers
    }

    /// `v1,` and the HMAC-SHA-256 of id, timestamp and body in base64. A secret that begins with `whsec_` is base64, any other
    /// counts as it is.
    static func signature(id: String, timestamp: String, body: ByteBuffer, secret: Secret) -> String {
        let text = secret.exposed
        let key = text.hasPrefix("whsec_") ? Data(base64Encoded: String(text.dropFirst(6))) : nil
        var mac = HMAC<SHA256>(key: SymmetricKey(data: key ?? Data(text.utf8)))
        mac.update(data: Data("\(id).\(timestamp).".utf8))
        mac.update(data: Data(body.readableBytesView))
        return "v1," + Data(mac.finalize()).base64EncodedString()
    }

    // MARK: The answer

    /// - Throws: `.malformedReply` for what is no verdict.
    static func verdict(_ answer: ByteBuffer, texts: Int) throws(NeedletailError) -> HookVerdict {
        guard answer.readableBytes > 0 else { return .allow }
        guard let root = try? JSONDocument(answer).root, root.kind == .object else {
            throw NeedletailError(.malformedReply, "Its answer is no JSON object.")
        }
        switch root.present("action")?.string {
        case "allow": return .allow
        case "refuse": return .refuse(root.present("message")?.string ?? "")
        case "replace":
            var replacements: [Int: String] = [:]
            guard let list = root.present("texts"), list.kind == .array else {
                throw NeedletailError(.malformedReply, "It replaces and gives no 'texts'.")
            }
            for element in list.elements {
                guard let index = element.present("index")?.int, (0..<texts).contains(index),
                    let text = element.present("text")?.string
                else {
                    throw NeedletailError(
                        .malformedReply, "A text that it gives has no 'index' of the call, or no 'text'.")
                }
                replacements[index] = text
            }
            return .replace(replacements)
        default: throw NeedletailError(.malformedReply, "Its 'action' is neither allow, refuse nor replace.")
        }
    }
}

extension HTTPField.Name {
    fileprivate static let webhookID = Self("webhook-id") ?? .xContentTypeOptions
    fileprivate static let webhookTimestamp = Self("webhook-timestamp") ?? .xContentTypeOptions
    fileprivate static let webhookSignature = Self("webhook-signature") ?? .xContentTypeOptions
}
