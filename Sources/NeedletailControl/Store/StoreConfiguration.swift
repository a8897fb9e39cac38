/// Where the gateway keeps what must outlive it.
public struct StoreConfiguration: Sendable, Hashable {
    /// The file that is taken when none is named.
    public static let defaultFile = "needletail.db"

    /// The file; `nil` keeps nothing.
    public var path: String?
    /// Whether somebody asked for the file, so that a start without it is a fault. Else a file that cannot be opened is
    /// warned about and nothing is kept.
    public var isRequired = false
    /// How long lines wait at most before they are written. Default 1 s.
    public var flushInterval: Duration = .seconds(1)
    /// How many lines wait at most; beyond it lines that are alike are added up. Default 65 536.
    public var bufferLimit = 65_536
    /// How long lines of the ledger are kept; `nil` for ever.
    public var ledgerRetention: Duration?

    /// Keeps nothing.
    public init() {}
}
