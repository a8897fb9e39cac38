import NeedletailCore

/// Gemini's thought signatures in a whole message that do not stand in its calls: in `extra_content` (Google's own layer)
/// or among `reasoning_details`, there under the id of their call.
struct OpenAIChatMessageSignatures {
    private let beside: String?
    private var details: [(state: String, callID: String?)] = []

    init(_ message: JSONView) {
        self.beside = OpenAIChatCallSignature.read(message)
        for detail in OpenAIChatReasoningDetail.list(message) {
            if case .signature(let state, let callID) = detail { self.details.append((state, callID)) }
        }
    }

    /// The signature of a call.
    func signature(of call: JSONView, id: String) -> String? {
        OpenAIChatCallSignature.read(call) ?? self.details.first { $0.callID == id }?.state
    }

    /// Those that are no call's by its id: they are the first call's, or the text's where there are no calls.
    func loose(beside calls: [(id: String, signature: String?)]) -> [String] {
        var states = self.details.filter { detail in
            !calls.contains { $0.id == detail.callID || $0.signature == detail.state }
        }.map(\.state)
        // Google repeats the call's.
        if let beside = self.beside, calls.first?.signature == nil { states.append(beside) }
        return states
    }
}
