public import NeedletailRouting

/// Whether and how what was said is kept.
public struct ContentConfiguration: Sendable {
    /// The default of ``maximumSize``: 64 KiB.
    static let usualSize = 64 << 10

    /// Whose requests.
    public var scope = GuardScope()
    /// How long it is kept. Default 7 days.
    public var retention = Duration.seconds(7 * 24 * 3600)
    /// The most bytes of a request's texts, and of its reply's. Default 64 KiB.
    public var maximumSize = ContentConfiguration.usualSize

    /// The defaults.
    public init() {}
}
