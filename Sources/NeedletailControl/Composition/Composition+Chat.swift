import Foundation
import Logging
import NIOCore
import NIOPosix
import Needletail
public import NeedletailCore
import NeedletailProviders
import NeedletailRouting
import NeedletailTransport

extension Composition {
    /// What `needletail chat` asks for.
    public struct ChatRequestOptions: Sendable {
        /// The model; `nil` for the first that answers.
        public var model: String?
        /// A running gateway; `nil` for the in-process stack.
        public var url: String?
        /// The key for the gateway.
        public var key: Secret?
        /// The system prompt.
        public var system: String?
        /// The prompt.
        public var prompt: String

        /// Creates options.
        public init(model: String?, url: String?, key: Secret?, system: String?, prompt: String) {
            self.model = model
            self.url = url
            self.key = key
            self.system = system
            self.prompt = prompt
        }
    }

    /// What came of a chat.
    public struct ChatAnswer: Sendable {
        /// The model that was asked for.
        public var model: String
        /// Who answered.
        public var provider: String
        /// The whole text.
        public var text = ""
        /// The tokens spent, where known.
        public var usage: Usage?
    }

    /// Streams one answer; `write` gets its text as it comes.
    public static func chat(
        _ options: ChatRequestOptions,
        configuration: Configuration,
        write: @Sendable (String) -> Void
    ) async throws -> ChatAnswer {
        let log = LogOutput.make(configuration.telemetry, environment: ProcessInfo.processInfo.environment)
        defer { log.writer.stop() }
        let logger = log.logger
        let group = MultiThreadedEventLoopGroup.singleton
        if let url = options.url {
            let gateway = try HTTPProvider.connect(
                to: .openAICompatible, apiKey: options.key?.exposed, baseURL: url, group: group, logger: logger)
            let model: String
            if let asked = options.model {
                model = asked
            } else {
                model = try await gateway.listModels(deadline: nil)?.first?.id ?? "default"
            }
            return try await Self.stream(model, options, from: gateway, logger, write)
        }
        let stack = try GatewayStack(
            configuration, environment: ProcessInfo.processInfo.environment, group: group, time: .live, random: .live,
            logger: logger)
        await stack.monitor.checkAll()
        let model = options.model ?? stack.directory.models(allowed: nil).first?.id ?? "default"
        do {
            let answer = try await Self.stream(model, options, from: stack.provider, logger, write)
            await stack.shutdown()
            return answer
        } catch {
            await stack.shutdown()
            throw error
        }
    }

    private static func stream(
        _ model: String,
        _ options: ChatRequestOptions,
        from provider: any Provider,
        _ logger: Logger,
        _ write: @Sendable (String) -> Void
    ) async throws -> ChatAnswer {
        var request = ChatRequest(model: model)
        if let system = options.system { request.messages.append(.system(system)) }
        request.messages.append(.user(options.prompt))
        let stream = try await ChatClient(provider, logger: logger).stream(request)
        var answer = ChatAnswer(model: model, provider: stream.provider.rawValue)
        for try await event in stream {
            switch event {
            case .text(let text, choice: 0), .refusal(let text, choice: 0):
                answer.text += text
                write(text)
            case .usage(let usage): answer.usage = usage
            default: continue
            }
        }
        return answer
    }
}
