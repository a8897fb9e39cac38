/// What a route of the admin API needs, and so what a role may do.
enum AdminPermission: String, CaseIterable, Sendable {
    /// See how the gateway is and what it is told, without secrets.
    case read
    /// Ask what would become of a request.
    case explain
    /// Switch, drain, weigh, reset and reload: what is done about trouble.
    case operate
    /// Say where requests go and with which credentials.
    case configure
    /// See who asked for what, and what it cost.
    case audit
    /// Make, rotate and disable keys.
    case keys
}

/// Who an admin key speaks for. This is the one table of who may do what; `docs/admin.md` is tested against it.
enum AdminRole: String, CaseIterable, Sendable {
    case admin
    case `operator`
    case auditor
    case developer

    /// What it may do.
    var permissions: Set<AdminPermission> {
        switch self {
        case .admin: Set(AdminPermission.allCases)
        case .operator: [.read, .explain, .operate, .audit]
        case .auditor: [.read, .audit]
        case .developer: [.read, .explain]
        }
    }
}
