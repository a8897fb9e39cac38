public import NeedletailCore

/// Looks at requests before they go upstream, at replies before they go to the client, or at both.
public protocol Hook: Sendable {
    /// The name in configuration, log and metrics.
    var name: String { get }

    /// Judges a call. It is asked once before and once after the call where its rule says so, and is told what a provider is
    /// told: where sensitive data is redacted, placeholders.
    ///
    /// - Parameters:
    ///   - call: What is known of it.
    ///   - deadline: When an answer comes too late to matter; `nil` for never.
    /// - Throws: What kept it from judging; its rule says whether the call goes on.
    func review(_ call: HookCall, deadline: Instant?) async throws(NeedletailError) -> HookVerdict
}

/// A call, as a hook sees it.
public struct HookCall: Sendable {
    /// When a hook is asked.
    public enum Phase: String, Sendable, Hashable, CaseIterable {
        /// Before anybody is asked.
        case before
        /// When the reply is whole.
        case after
    }

    /// One text: of a message, a tool's result, a prompt, or a reply.
    public struct Text: Sendable, Hashable {
        /// Where it stands: in a request the keys that lead to it, in a reply its choice and kind (`0.text`).
        public var path: String
        /// Whose it is, where that is known: `user`, `assistant`, …
        public var role: String?
        /// The text.
        public var text: String

        /// Creates a text.
        public init(path: String, role: String? = nil, text: String) {
            self.path = path
            self.role = role
            self.text = text
        }
    }

    /// When.
    public var phase: Phase
    /// The request's id.
    public var requestID: String
    /// What is asked for.
    public var operation: Operation
    /// The model, as the client named it; of a reply, as its provider names it.
    public var model: String
    /// Who answered; `nil` before.
    public var provider: ProviderID?
    /// The name of the client's key.
    public var key: String?
    /// Its tenant.
    public var tenant: String?
    /// The end user that the request names.
    public var user: String?
    /// Whether the client wants a stream.
    public var isStreaming: Bool
    /// The texts, in order.
    public var texts: [Text]
}

/// What a hook says.
public enum HookVerdict: Sendable, Hashable {
    /// The call goes on.
    case allow
    /// The call ends here, with this message for the client.
    case refuse(String)
    /// It goes on with other texts, by their place in ``HookCall/texts``.
    case replace([Int: String])
}

/// When a hook is asked, and what its silence means.
public struct HookRule: Sendable {
    /// Who is asked.
    public var hook: any Hook
    /// About whose requests.
    public var scope: GuardScope
    /// When. Default before.
    public var phases: Set<HookCall.Phase>
    /// Whether a call goes on when the hook cannot judge it. Default false.
    public var failsOpen: Bool
    /// How long it may take. Default 5 s.
    public var timeout: Duration
    /// The most bytes of texts that it is told; more count as a failure. Default 1 MiB.
    public var maximumSize: Int
    /// Whether a stream is held back until the hook has judged all of it; otherwise streams pass it by. Default true.
    public var holdsStreams: Bool

    /// Creates a rule.
    public init(
        _ hook: any Hook,
        scope: GuardScope = GuardScope(),
        phases: Set<HookCall.Phase> = [.before],
        failsOpen: Bool = false,
        timeout: Duration = .seconds(5),
        maximumSize: Int = 1 << 20,
        holdsStreams: Bool = true
    ) {
        self.hook = hook
        self.scope = scope
        self.phases = phases
        self.failsOpen = failsOpen
        self.timeout = timeout
        self.maximumSize = maximumSize
        self.holdsStreams = holdsStreams
    }
}
