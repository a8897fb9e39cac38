/// Those who read each other's state: a signature that one of a realm issued is good for all of it, and for nobody else.
///
/// A number that the table makes of a name, so that neither names nor keys are kept.
struct StateRealm: Hashable, Sendable {
    let number: UInt64
}

extension ProviderSpec {
    /// A family of models whose state is good wherever they are served. They sign all of their reasoning, and take none
    /// without a signature.
    public struct StateFamily: Sendable, Hashable {
        /// The family's name.
        public var name: String
        /// What the names of its models contain; empty for all of the provider's.
        public var mark: String

        /// Creates a family.
        public init(_ name: String, mark: String = "") {
            self.name = name
            self.mark = mark
        }

        /// Claude, whose signatures are valid at Anthropic, Amazon Bedrock and Google Cloud alike:
        /// <https://platform.claude.com/docs/en/build-with-claude/extended-thinking#thinking-encryption>. What one model
        /// cannot read of another, and what is bound to an account, Anthropic itself leaves out without an error:
        /// <https://platform.claude.com/docs/en/build-with-claude/preserved-thinking>.
        public static func claude(mark: String = "") -> Self { Self("claude", mark: mark) }
    }
}
