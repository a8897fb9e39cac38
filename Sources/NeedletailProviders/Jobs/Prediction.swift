import NeedletailCore

/// What is known of a prediction.
struct Prediction {
    enum State: Equatable {
        case running
        case succeeded
        case failed(String?)
    }

    var id: String
    var state: State
    /// The text; whole once it has succeeded.
    var text: String
    /// Where its output can be read while it comes.
    var streamURL: String?
    var usage: Usage?

    /// Reads an answer about a prediction.
    init(_ root: JSONView) throws(NeedletailError) {
        guard let id = root.present("id")?.string, !id.isEmpty, let status = root.present("status")?.string else {
            throw NeedletailError(.malformedReply, "The provider's answer names no prediction.")
        }
        self.id = id
        self.text = Self.text(root.present("output"))
        self.streamURL = root.present("urls")?.present("stream")?.string
        let error = root.present("error")
        self.state =
            switch status {
            case "succeeded", "successful": .succeeded
            case "failed": .failed(error?.string ?? error.map { "\($0.text)" })
            case "canceled", "aborted": .failed("The prediction was cancelled.")
            default: .running
            }
        let metrics = root.present("metrics")
        if let input = metrics?.present("input_token_count")?.int,
            let output = metrics?.present("output_token_count")?.int
        {
            self.usage = Usage(inputTokens: input, outputTokens: output)
        }
    }

    /// Language models give a list of pieces, some a single text.
    private static func text(_ output: JSONView?) -> String {
        guard let output else { return "" }
        if let text = output.string { return text }
        return output.elements.reduce(into: "") { $0 += $1.string ?? "" }
    }

    /// Why it ended; it does not say so itself.
    func stopReason(limit: Int?) -> StopReason {
        guard let limit, let usage = self.usage else { return .endTurn }
        return usage.outputTokens >= limit ? .maxTokens : .endTurn
    }
}
