import Foundation
public import NeedletailCore
public import NeedletailRouting
import NeedletailStore

/// Forgets end users in the store of a gateway that does not run.
public struct ErasureTool: Sendable {
    private let store: StoreTool

    /// Finds the store of a configuration file; `nil` for the one in the working folder.
    public init(config: String?) {
        self.store = StoreTool(config: config, environment: ProcessInfo.processInfo.environment)
    }

    /// Forgets a user; tells what was done as the admin API does.
    ///
    /// - Parameter budgets: Those of the configuration.
    public func erase(user: String, tenant: String?, budgets: [BudgetRule]) throws(NeedletailError) -> JSONView {
        let done = try self.store.open(.write).erase(
            user: user, tenant: tenant, pseudonym: UserErasure.pseudonym(.live),
            counters: budgets.counters(of: user, now: TimeSource.live.wallSeconds()))
        var erasure = UserErasure(user: user, tenant: tenant)
        erasure.contents = done.contents
        erasure.lines = done.lines
        erasure.stored = done.replies
        var json = JSONWriter()
        json.beginObject()
        erasure.write(&json)
        json.endObject()
        do throws(JSONError) { return try JSONDocument(json.bytes).root } catch {
            throw NeedletailError(.internalFailure, "The answer is no JSON.")
        }
    }
}
