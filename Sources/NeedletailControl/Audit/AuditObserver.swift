import NeedletailCore

/// Takes note of clients' keys that were refused.
struct AuditObserver: RequestObserver {
    let trail: AuditTrail

    func requestRefused(_ refusal: RefusalRecord) {
        // Rates are the stack's; before it only who guesses is told to wait.
        let codes: Set<NeedletailError.Code> = [.unauthorized, .forbidden, .rateLimited]
        guard codes.contains(refusal.error.code) else { return }
        self.trail.noteRefusal(
            .init(
                action: "key.refused", actor: refusal.keyName ?? "", peer: refusal.peer ?? "",
                reason: refusal.error.message))
    }

    func requestEnded(_ request: RequestRecord) {
        guard case .failed(let error) = request.outcome.end, error.code == .forbidden,
            let key = request.request.keyName
        else { return }
        self.trail.noteRefusal(
            .init(action: "key.refused", actor: key, peer: "", reason: error.message, subject: request.model))
    }
}
