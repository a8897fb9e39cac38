import NeedletailCore

/// The ids of a reply's calls, each its own: clients find results by them, and upstreams refuse a conversation that holds
/// an id twice.
///
/// Calls to which their provider gave no id, in replies that have none either, get the same ones from the dialects, which
/// know no chance; here they are made this request's. And some providers give all calls of a reply one id.
struct CallNames {
    /// How ``OpenAIChat/callID(_:_:_:)`` begins without a reply's id.
    private static let prefix = "call__"

    private struct Name: Hashable {
        var choice: Int
        var id: String
    }

    private let requestID: String
    /// What has been given, and what the next one of the same id may be called by.
    private var taken: [Name: Int] = [:]
    /// Names that are remembered. A reply with more is no answer that anybody reads, and may keep the ids it says twice.
    private static let most = 65_536

    /// Names the calls of the reply to a request.
    init(requestID: String) {
        self.requestID = requestID
    }

    /// The id of a call that was not given one, made one of this request's.
    static func named(_ id: String, in requestID: String) -> String {
        guard id.hasPrefix(self.prefix) else { return id }
        return "call_\(OpenAIChat.callIDPart(requestID))\(id.dropFirst(5))"
    }

    private mutating func name(_ id: String, choice: Int) -> String {
        let id = Self.named(id, in: self.requestID)
        let first = Name(choice: choice, id: id)
        guard self.taken.count < Self.most else { return id }
        guard var count = self.taken[first] else {
            self.taken[first] = 1
            return id
        }
        var name: Name
        repeat {
            count += 1
            name = Name(choice: choice, id: "\(id)_\(count)")
        } while self.taken[name] != nil
        self.taken[first] = count
        self.taken[name] = 1
        return name.id
    }

    /// Names the calls of a whole reply.
    mutating func name(in reply: inout ChatResponse) {
        for choice in reply.choices.indices {
            for place in reply.choices[choice].content.indices {
                guard case .toolCall(var call) = reply.choices[choice].content[place] else { continue }
                let id = self.name(call.id, choice: choice)
                guard id != call.id else { continue }
                call.id = id
                reply.choices[choice].content[place] = .toolCall(call)
            }
        }
    }

    /// Names a call of a stream.
    mutating func name(_ event: inout ChatEvent) {
        guard case .toolCallStarted(let index, let id, let name, let isCustom, let choice) = event else { return }
        event = .toolCallStarted(
            index: index, id: self.name(id, choice: choice), name: name, isCustom: isCustom, choice: choice)
    }
}
