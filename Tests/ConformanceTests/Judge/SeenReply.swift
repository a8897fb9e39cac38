import Foundation
import NeedletailCore
import Testing

/// What a client makes of a reply: read by code that knows nothing of this package, so that it can be the judge.
struct SeenReply {
    struct Call: Equatable {
        var id = ""
        var name = ""
        /// The arguments as canonical JSON; what is no JSON object, as it stands.
        var arguments = ""

        init(id: String = "", name: String = "", arguments: String = "") {
            self.id = id
            self.name = name
            self.arguments = arguments
        }

        /// A call whose arguments are a JSON value; none at all are an empty object.
        init(id: String, name: String, value: Any?) {
            let value = value is NSNull ? nil : value
            self.init(id: id, name: name, arguments: JSON.canonical(value ?? [String: Any]()))
        }

        /// A call whose arguments are JSON in a string.
        init(id: String, name: String, text: String) {
            self.init(id: id, name: name, arguments: Self.normal(text))
        }

        /// Free text as a JSON object with one member: what clients without free-text tools see of such a call.
        static func free(_ text: String) -> String { JSON.canonical(["input": text]) }

        static func normal(_ text: String) -> String {
            if let object = JSON.object(text) { return JSON.canonical(object) }
            let bare = text.trimmingCharacters(in: .whitespacesAndNewlines)
            return bare.isEmpty || bare == "null" ? "{}" : text
        }
    }

    /// Why the reply ended, in words that all dialects share.
    enum Stop: Equatable { case end, length, calls, refused, pause }

    /// Text, refusals included.
    var text = ""
    var reasoning = ""
    /// Cohere's plan before its calls, which is neither text nor reasoning: others may see it as either.
    var plan = ""
    /// The whole text as the stream's last event has it, where its pieces do not make it up.
    var finalText: String?
    var signatures: [String] = []
    var calls: [Call] = []
    /// What an error in the reply says.
    var error: String?
    var stop: Stop?
    var inputTokens: Int?
    var outputTokens: Int?
    /// Input tokens from the provider's cache.
    var cachedTokens: Int?
    /// Whether it holds what only its own dialect knows, such as a search that the provider ran.
    var hasForeign = false
    /// The assistant's turn as the client sends it back, in its dialect: its messages or items.
    var turn: [[String: Any]] = []
    /// What a client would stumble over: rules of the dialect that the bytes break.
    var faults: [String] = []

    /// Notes a fault unless `isKept`.
    mutating func demand(_ isKept: Bool, _ fault: @autoclosure () -> String) {
        if !isKept, self.faults.count < 5 { self.faults.append(fault()) }
    }

    /// Checks that the gateway counted what the provider said.
    func checkAccounting(_ reply: ClientReply, _ label: String) {
        guard case .finished = reply.outcome?.end else {
            Issue.record("\(label): accounted as \(String(describing: reply.outcome))")
            return
        }
        guard let input = self.inputTokens, let output = self.outputTokens else { return }
        #expect(reply.outcome?.usage?.inputTokens == input, "\(label)")
        #expect(reply.outcome?.usage?.outputTokens == output, "\(label)")
    }
}
