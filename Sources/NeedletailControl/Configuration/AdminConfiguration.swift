/// Who may administer, and how the gateway hears of changes.
struct AdminConfiguration: Sendable {
    /// A key of the admin listener.
    struct Key: Sendable {
        /// The name, for logs.
        var name: String
        /// What is sent.
        var secret: Secret
        /// What it may do.
        var role: AdminRole
    }

    /// What may be asked without a key although there are keys.
    enum OpenPath: String, CaseIterable, Sendable {
        /// `/health` itself, which names no provider.
        case health
        /// `/metrics`.
        case metrics

        /// What is open at a path.
        init?(_ path: Substring) {
            switch path {
            case "/health", "/health/live", "/health/ready": self = .health
            case "/metrics": self = .metrics
            default: return nil
            }
        }
    }

    /// The keys; empty for none, and then everybody on this machine may do everything.
    var keys: [Key] = []
    /// What needs no key all the same.
    var open: Set<OpenPath> = []
    /// Whether the file is looked at for changes. Default false.
    var watchesFile = false
}
