import NeedletailControl
import NeedletailCore
import NeedletailStore

/// Takes note of what commands do with the store.
enum CommandAudit {
    /// Does something, and takes note of it and how it ended.
    ///
    /// - Parameter subject: `nil` for what only looks, which is not noted.
    static func noting<Value>(
        _ action: String, _ subject: String?, in store: SQLiteStore, _ body: () throws -> Value
    ) throws -> Value {
        guard let subject else { return try body() }
        let tool = AuditTool(store)
        let value: Value
        do { value = try body() } catch {
            try tool.note(action, subject: subject, .failed)
            throw error
        }
        try tool.note(action, subject: subject)
        return value
    }

    /// As ``noting(_:_:in:_:)``, for what waits for others.
    static func noting<Value>(
        _ action: String, _ subject: String?, in store: SQLiteStore, _ body: () async throws -> Value
    ) async throws -> Value {
        guard let subject else { return try await body() }
        let tool = AuditTool(store)
        let value: Value
        do { value = try await body() } catch {
            try tool.note(action, subject: subject, .failed)
            throw error
        }
        try tool.note(action, subject: subject)
        return value
    }
}
