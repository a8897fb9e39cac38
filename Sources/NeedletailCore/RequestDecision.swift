/// What was decided about a request before anybody was asked, kept with it for whoever asked to be told.
public protocol RequestDecision: Sendable {
    /// One line for a response header: printable ASCII, at most 1 KiB.
    var summary: String { get }
}
