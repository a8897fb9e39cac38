import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore

/// `needletail chat`: one streamed answer in the terminal.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Ask once and stream the answer.",
        discussion: """
            Without --url the answer comes from a stack in this process, configured as `needletail serve` would be. \
            A prompt of - is read from standard input.
            """
    )

    @Option(name: .shortAndLong, help: "The model; the first that answers when left out.")
    var model: String?
    @Option(help: "A running gateway, for example http://127.0.0.1:4003.")
    var url: String?
    @Option(help: "The key for the gateway; $NEEDLETAIL_KEY when left out.")
    var key: String?
    @Option(help: "The system prompt.")
    var system: String?
    @Option(name: [.customShort("c"), .long], help: "The configuration file.")
    var config: String?
    @Flag(help: "Print the whole answer as JSON once it is there.")
    var json = false
    @Argument(help: "What to ask.")
    var prompt: String

    func validate() throws {
        if let url = self.url, HTTPURL(url) == nil {
            throw ValidationError("'\(url)' is not a URL; write for example http://127.0.0.1:4003.")
        }
        if self.prompt.isEmpty { throw ValidationError("The prompt is empty.") }
    }

    @concurrent
    func run() async throws {
        let prompt = self.prompt == "-" ? Self.standardInput() : self.prompt
        guard !prompt.isEmpty else { throw CommandFailure("needletail chat: nothing was asked") }
        let key = self.key ?? ProcessInfo.processInfo.environment["NEEDLETAIL_KEY"]
        let options = Composition.ChatRequestOptions(
            model: self.model,
            url: self.url,
            key: key.map { Secret($0) },
            system: self.system,
            prompt: prompt
        )
        let answer: Composition.ChatAnswer
        do {
            let configuration = try ConfigurationSource.load(self.config)
            let isJSON = self.json
            answer = try await Composition.chat(options, configuration: configuration) {
                if !isJSON { StandardStreams.write($0) }
            }
        } catch {
            throw CommandFailure("needletail chat: \(Failures.text(error))")
        }
        guard self.json else { return StandardStreams.output("") }
        StandardStreams.object { json in
            json.member("model", answer.model)
            json.member("provider", answer.provider)
            json.member("text", answer.text)
            json.member("input_tokens", answer.usage?.inputTokens)
            json.member("output_tokens", answer.usage?.outputTokens)
        }
    }

    private static func standardInput() -> String {
        var text = ""
        while let line = readLine(strippingNewline: false) { text += line }
        return text
    }
}
