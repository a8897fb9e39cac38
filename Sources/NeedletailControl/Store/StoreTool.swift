import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
public import NeedletailCore
public import NeedletailStore
import NeedletailTransport

/// What the commands do with the store of a gateway that may be running.
public struct StoreTool: Sendable {
    /// Where the store is.
    public let location: StoreLocation

    /// Finds the store of a configuration file; `nil` for the one in the working folder.
    public init(config: String?, environment: [String: String]) {
        self.location = StoreLocation(file: config, environment: environment)
    }

    /// Opens it.
    ///
    /// - Parameter isMade: Whether it is made where it is not there.
    /// - Throws: `.unavailable` with what to do.
    public func open(
        _ mode: SQLiteStore.Mode = .read, isMade: Bool = false, isChecked: Bool = true
    ) throws(NeedletailError) -> SQLiteStore {
        guard isMade || FileManager.default.fileExists(atPath: self.location.path) else {
            throw NeedletailError(
                .unavailable,
                "There is no store \(self.location.path). A gateway makes it that runs with `keys:`, `budgets:` or `store: on`; "
                    + "run this beside its configuration, or name that with --config.")
        }
        return try mode == .write
            ? .writable(self.location.path, isChecked: isChecked)
            : SQLiteStore(path: self.location.path, mode: mode, isChecked: isChecked)
    }

    /// The key for a gateway's administration, from `NEEDLETAIL_ADMIN_KEY`.
    public static var adminKey: Secret? {
        ProcessInfo.processInfo.environment["NEEDLETAIL_ADMIN_KEY"].map { Secret($0) }
    }

    /// What calls cost.
    public func costs(_ question: CostQuestion) throws(NeedletailError) -> CostReport {
        try self.open(isChecked: false).costs(question)
    }

    /// Asks the gateway that may be running to write what it has. Without one there is nothing to wait for.
    ///
    /// - Parameter key: The admin key, where the gateway wants one.
    /// - Returns: What the gateway had against it; `nil` if it has written, or if there is none.
    public func flushGateway(key: Secret? = nil) async -> String? {
        guard let origin = try? Origin(url: self.location.adminURL),
            let pool = try? UpstreamPool(
                origin: origin, options: TransportOptions(), group: MultiThreadedEventLoopGroup.singleton, time: .live,
                logger: Logger(label: "needletail") { _ in SwiftLogNoOpLogHandler() })
        else { return nil }
        var timeouts = Timeouts()
        timeouts.connect = .seconds(2)
        var headers: HTTPFields = [.contentType: "application/json"]
        if let key { headers[.authorization] = "Bearer \(key.exposed)" }
        let problem: String?
        do throws(NeedletailError) {
            let response = try await pool.send(
                TransportRequest(
                    method: .post, path: "/admin/v1/ledger/flush", headers: headers, body: ByteBuffer(),
                    timeouts: timeouts, deadline: TimeSource.live.now().advanced(by: .seconds(10))))
            let body = await response.body.prefix(4_096)
            problem = (200..<300).contains(response.status) ? nil : "\(response.status) \(String(buffer: body))"
        } catch {
            problem = error.mayHaveBeenProcessed ? error.message : nil
        }
        await pool.shutdown()
        return problem
    }
}
