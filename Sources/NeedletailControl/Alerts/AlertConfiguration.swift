import NeedletailCore

/// When somebody is told, and who.
public struct AlertConfiguration: Sendable {
    /// Who is told.
    public struct Webhook: Sendable {
        /// What is posted.
        public enum Format: String, Sendable, Hashable, CaseIterable {
            /// An object that says everything.
            case json
            /// A message as Slack's incoming webhooks, Mattermost and Rocket.Chat take it.
            case slack
        }

        /// The name, for rules that name it and for metrics.
        public var name: String
        /// Where to; whoever knows it can post there.
        public var url: Secret
        /// What is posted. Default JSON.
        public var format = Format.json
        /// What messages are signed with; `nil` for no signature.
        public var secret: Secret?
        /// Lesser alerts are not sent there. Default warning.
        public var severity = AlertSeverity.warning
        /// For one try. Default 5 s.
        public var timeout: Duration = .seconds(5)
    }

    /// The rules, the built-in ones first.
    public var rules: [AlertRule] = AlertRule.builtIn
    /// Who is told, beside the log.
    public var webhooks: [Webhook] = []
    /// How often is looked. Default 5 s.
    public var interval: Duration = .seconds(5)
    /// What is promised.
    public var objectives: [Objective] = []

    /// The built-in rules, told to the log.
    public init() {}
}
