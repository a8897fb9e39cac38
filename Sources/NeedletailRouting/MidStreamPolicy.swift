import NeedletailCore

/// What becomes of a request's stream that breaks when its reply has begun.
public struct MidStreamPolicy: Sendable, Hashable {
    /// What is done.
    public enum Rescue: String, Sendable, Hashable {
        /// The stream ends with an error event.
        case never
        /// It is begun anew elsewhere while the client has seen no content.
        case restart
        /// It goes on elsewhere from what the client has.
        case `continue`
        /// It is asked for anew elsewhere, and goes on if the other answer begins with what the client has.
        case `repeat`
    }

    /// Why it is not what the group says.
    public enum Reason: String, Sendable, Hashable {
        /// The answer's form binds the whole of it, so that no turn of its own can be the rest.
        case structuredOutput = "structured_output"
        /// Each piece of text has them, and none stands for what was left out at the seam.
        case logProbabilities = "log_probabilities"
        /// Each would have to go on in a turn of its own.
        case severalChoices = "several_choices"
        /// Sound cannot be gone on with.
        case audio
    }

    /// What is done.
    public var rescue: Rescue
    /// Why it is not what the group says; `nil` where it is.
    public var reason: Reason?

    /// What a group says.
    public init(_ rescue: Rescue, because reason: Reason? = nil) {
        self.rescue = rescue
        self.reason = reason
    }

    /// What a group that lets streams go on elsewhere does for a request.
    init(continuing request: InferenceRequest) {
        if request.features.contains(.audio) {
            self.init(.restart, because: .audio)
        } else if request.choices > 1 {
            self.init(.restart, because: .severalChoices)
        } else if request.features.contains(.logprobs) {
            self.init(.restart, because: .logProbabilities)
        } else if request.features.contains(.structuredOutput) {
            self.init(.repeat, because: .structuredOutput)
        } else {
            self.init(.continue)
        }
    }
}
