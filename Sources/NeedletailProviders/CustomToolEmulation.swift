import NIOCore
import NeedletailCore

/// Tools that take free text, for upstreams that know only functions: each becomes a function with one argument,
/// `input`, and its calls become free text again on their way back.
///
/// A grammar that the text must follow is told in the function's description; nobody enforces it, and a loss says so.
struct CustomToolEmulation: Sendable {
    /// The tools that were rewritten.
    private let names: Set<String>

    /// The most that is gathered of one call's arguments: what a whole reply may be.
    private static let maximumSize = 16 << 20

    /// Rewrites a request; `nil` if there is nothing in it to rewrite.
    init?(rewriting request: inout ChatRequest, losses: inout [Loss]) {
        var names: Set<String> = []
        for index in request.tools.indices {
            guard case .custom(let format) = request.tools[index].kind else { continue }
            names.insert(request.tools[index].name)
            request.tools[index].kind = .function(parameters: Self.schema)
            guard let grammar = Self.grammar(format) else { continue }
            let description = request.tools[index].description.map { $0 + "\n\n" } ?? ""
            request.tools[index].description = description + grammar
            losses.add(
                ModelField.toolFormat.name(in: request.source), "the grammar is told to the model and not enforced")
        }
        for index in request.messages.indices {
            for place in request.messages[index].content.indices {
                guard case .toolCall(var call) = request.messages[index].content[place], call.isCustom else { continue }
                names.insert(call.name)
                call.arguments = Self.wrapped(call.arguments)
                call.isCustom = false
                request.messages[index].content[place] = .toolCall(call)
            }
        }
        guard !names.isEmpty else { return nil }
        self.names = names
    }

    private static let schema = JSONText(
        unchecked: """
            {"type":"object","properties":{"input":{"type":"string","description":"The whole input of the tool, as free \
            text."}},"required":["input"],"additionalProperties":false}
            """)

    private static func wrapped(_ text: String) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.member("input", text)
        json.endObject()
        return String(buffer: json.bytes)
    }

    /// The words for a grammar, which chat completions have one object deeper than responses.
    private static func grammar(_ format: JSONText?) -> String? {
        guard let view = try? format?.view(), view["type"]?.string == "grammar" else { return nil }
        let grammar = view.present("grammar") ?? view
        guard let definition = grammar.present("definition")?.string else { return nil }
        let syntax = grammar.present("syntax")?.string ?? "following"
        return "The input must follow this \(syntax) grammar:\n\(definition)"
    }

    /// The free text in a call's arguments; arguments of another form stay as they are.
    private static func unwrapped(_ arguments: String) -> String {
        guard let text = try? JSONText(arguments), let view = try? text.view() else { return arguments }
        return view.present("input")?.string ?? arguments
    }

    // MARK: Replies

    /// Makes free text of the calls in a whole reply.
    func restore(_ reply: inout ChatResponse) {
        for index in reply.choices.indices {
            for place in reply.choices[index].content.indices {
                guard case .toolCall(var call) = reply.choices[index].content[place], !call.isCustom,
                    self.names.contains(call.name)
                else { continue }
                call.arguments = Self.unwrapped(call.arguments)
                call.isCustom = true
                reply.choices[index].content[place] = .toolCall(call)
            }
        }
    }

    /// Makes free text of the calls in a stream. Their text is handed on when it is whole.
    struct Restorer: Sendable {
        private struct Call {
            var index: Int
            var choice: Int
            var arguments = ""
            var progress = JSONObjectProgress()
        }

        private let names: Set<String>
        private var calls: [Call] = []

        init(_ emulation: CustomToolEmulation) {
            self.names = emulation.names
        }

        /// Rewrites the events that have come in.
        mutating func restore(_ events: inout [ChatEvent]) {
            guard events.contains(where: { self.concerns($0) }) else { return }
            var restored: [ChatEvent] = []
            restored.reserveCapacity(events.count)
            for event in events { self.take(event, into: &restored) }
            events = restored
        }

        private func concerns(_ event: ChatEvent) -> Bool {
            if case .toolCallStarted = event { true } else { !self.calls.isEmpty }
        }

        private mutating func take(_ event: ChatEvent, into events: inout [ChatEvent]) {
            switch event {
            case .toolCallStarted(let index, let id, let name, false, let choice) where self.names.contains(name):
                self.calls.append(Call(index: index, choice: choice))
                events.append(.toolCallStarted(index: index, id: id, name: name, isCustom: true, choice: choice))
            case .toolCallArguments(let index, let fragment, let choice):
                guard let place = self.calls.firstIndex(where: { $0.index == index && $0.choice == choice }) else {
                    events.append(event)
                    return
                }
                self.calls[place].arguments += fragment
                self.calls[place].progress.take(fragment)
                let size = self.calls[place].arguments.utf8.count
                if self.calls[place].progress.isComplete || size > CustomToolEmulation.maximumSize {
                    self.end(place, into: &events)
                }
            case .blockEnded(let choice):
                if let place = self.calls.lastIndex(where: { $0.choice == choice }) { self.end(place, into: &events) }
                events.append(event)
            case .finished(_, _, let choice):
                while let place = self.calls.firstIndex(where: { $0.choice == choice }) {
                    self.end(place, into: &events)
                }
                events.append(event)
            default: events.append(event)
            }
        }

        private mutating func end(_ place: Int, into events: inout [ChatEvent]) {
            let call = self.calls.remove(at: place)
            let text = CustomToolEmulation.unwrapped(call.arguments)
            guard !text.isEmpty else { return }
            events.append(.toolCallArguments(index: call.index, fragment: text, choice: call.choice))
        }
    }
}
