import Logging
import NIOHTTP1
import NeedletailCore

/// What would become of a request.
struct ExplainRoom: AdminRoom {
    let title = "Explain"
    let running: RunningConfiguration
    let store: GatewayStore
    let time: TimeSource
    let random: RandomSource
    let logger: Logger

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .POST, "/explain", .explain,
                "What would become of a request now: rules, candidates, why each is kept or dropped, scores, order. Nobody is called.",
                body: .object(
                    summary:
                        "A client's request in any dialect, or an object with it as `request`, and `surface`, `model`, `stream`, `key`, `tenant`, `headers`, `deadline_ms`."
                )
            ) { request throws(AdminError) in
                try self.explain(request)
            }
        ]
    }

    private func explain(_ call: AdminRequest) throws(AdminError) -> AdminReply {
        guard let body = call.body else { throw AdminError(400, "invalid_request", "The body is missing.") }
        let current = self.running.current
        let asked = try ExplainedRequest(
            body, routingHeaders: current.configuration.routingHeaders, now: self.time.now(), draw: self.random.next(),
            logger: self.logger
        ) { name in
            current.configuration.explainedKey(name) ?? self.store.keys?.explainedKey(name)
        }
        let explanation = current.stack.explain(asked.request, context: asked.context)
        return .object { $0.members(of: explanation) }
    }
}

extension Configuration {
    /// What a key of the file stands for.
    func explainedKey(_ name: String) -> ExplainedKey? {
        self.keys?.first { $0.name == name && $0.isEnabled }.map { key in
            ExplainedKey(name: name, grant: key.grant, priority: key.priority)
        }
    }
}
