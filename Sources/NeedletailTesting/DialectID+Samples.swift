public import NeedletailCore

extension DialectID {
    /// The dialects whose bytes a test spells out one by one; the rest are held to the same rules by the conformance
    /// suite.
    public static let spelledOut: [DialectID] = [.openAIChat, .anthropicMessages]
}
