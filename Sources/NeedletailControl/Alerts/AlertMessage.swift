import Crypto
import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore

/// An alert as it is posted.
enum AlertMessage {
    /// The body.
    static func body(_ event: AlertEvent, _ format: AlertConfiguration.Webhook.Format) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        switch format {
        case .json: Self.writeObject(event, into: &json)
        case .slack: Self.writeSlack(event, into: &json)
        }
        json.endObject()
        return json.bytes
    }

    private static func writeObject(_ event: AlertEvent, into json: inout JSONWriter) {
        json.member("type", event.isResolved ? "alert.resolved" : "alert.fired")
        json.member("timestamp", LogTime.text(event.wallNanoseconds))
        json.member("data") { json in
            json.member("id", event.id)
            json.member("alert", event.rule.name)
            json.member("severity", event.rule.severity.rawValue)
            AlertLogLine.write(event, into: &json)
        }
    }

    /// As [Slack's incoming webhooks](https://api.slack.com/messaging/webhooks) take it.
    private static func writeSlack(_ event: AlertEvent, into json: inout JSONWriter) {
        let mark =
            event.isResolved
            ? ":white_check_mark:"
            : event.rule.severity == .critical
                ? ":rotating_light:" : event.rule.severity == .warning ? ":warning:" : ":information_source:"
        let title = "\(mark) \(AlertLogLine.status(event)): \(event.rule.name)"
        json.member("text", Self.escaped("\(title) – \(event.message)"))
        json.member("blocks", objects: [title, event.message]) { json, text in
            json.member("type", "section")
            json.member("text") { json in
                json.member("type", "mrkdwn")
                json.member("text", text == title ? "*\(Self.escaped(text))*" : Self.escaped(text))
            }
        }
    }

    /// As [Slack asks](https://api.slack.com/reference/surfaces/formatting#escaping); names may come from clients, so marks
    /// of formatting go too.
    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("`", with: "'").replacing("*", with: "∗")
    }

    /// Its headers: an id that a receiver can tell repetitions by, and a signature where there is a secret to sign with, as
    /// [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md) say.
    static func headers(_ event: AlertEvent, _ body: ByteBuffer, secret: Secret?) -> HTTPFields {
        let seconds = String(event.wallNanoseconds / 1_000_000_000)
        var named = [("webhook-id", event.id), ("webhook-timestamp", seconds)]
        if let secret {
            var signed = Array("\(event.id).\(seconds).".utf8)
            signed += body.readableBytesView
            let code = HMAC<SHA256>.authenticationCode(
                for: signed, using: SymmetricKey(data: Self.key(secret.exposed)))
            named.append(("webhook-signature", "v1," + Data(code).base64EncodedString()))
        }
        var headers = HTTPFields()
        for (name, value) in named {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        return headers
    }

    /// A secret that begins with `whsec_` is the key in Base64, any other is the key itself.
    private static func key(_ secret: String) -> [UInt8] {
        if secret.hasPrefix("whsec_"), let data = Data(base64Encoded: String(secret.dropFirst(6))) {
            return Array(data)
        }
        return Array(secret.utf8)
    }
}
