import NeedletailCore

/// What an operator can do about a failure.
enum RecoveryHint {
    /// The hint; `nil` where only the client can do something.
    static func text(for error: NeedletailError) -> String? {
        let who = error.provider.map { "'\($0)'" } ?? "the provider"
        switch error.code {
        case .credentialRejected:
            return "Check the api_key of \(who): the provider refused it. Rotate it, or add another under api_keys."
        case .quotaExhausted:
            return "The account behind \(who) is out of credit: top it up, or add a target at another provider."
        case .rateLimited:
            return
                "Raise the quota at \(who), add a target at another provider, or set limits below the provider's own."
        case .budgetExceeded: return "The budget is spent: raise it, or wait until its period ends."
        case .upstreamFailed, .overloaded:
            return "See the status page of \(who); a second target in the group takes over while it fails."
        case .unreachable:
            return "Check base_url, DNS, proxy and firewall between here and \(who)."
        case .timedOut:
            return
                "Raise timeouts (first_token, idle, total) of \(who), or use a faster model; see the latency metrics."
        case .malformedReply:
            return "Check that base_url and type of \(who) fit each other, and what stands between here and there."
        case .unavailable:
            return "No target may be asked now: see /health/providers for open breakers and failing checks."
        case .modelForbidden: return "The account behind \(who) may not use this model: ask the provider for access."
        case .conflict: return "The provider asks to come again; if it goes on, see its status page."
        case .internalFailure: return "A fault of the gateway: please report it with this line."
        default: return nil
        }
    }
}
