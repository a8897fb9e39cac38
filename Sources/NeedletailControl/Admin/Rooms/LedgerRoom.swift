import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailStore

/// What calls cost.
struct LedgerRoom: AdminRoom {
    let title = "Ledger"
    private let store: GatewayStore

    init(_ store: GatewayStore) {
        self.store = store
    }

    private static let dimensions = CostQuestion.Dimension.allCases.map(\.rawValue).joined(separator: ", ")

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .POST, "/ledger/flush", .audit, "Writes what waits to be written, so that the ledger is complete."
            ) { _ throws(AdminError) in
                guard let ledger = self.store.ledger else { return .object { $0.member("kept", false) } }
                do throws(NeedletailError) { try await ledger.flush() } catch { throw .store(error) }
                return .object { $0.member("kept", true) }
            },
            AdminRoute(
                .GET, "/costs", .audit, "Adds up what calls cost, as needletail costs --json shows it.",
                query: [
                    AdminField("by", .text, "What to tell apart, with commas: \(Self.dimensions); key when left out."),
                    AdminField("since", .integer(0...Int.max), "From this second since 1970 on."),
                    AdminField("until", .integer(0...Int.max), "Up to this second, which no longer counts."),
                    AdminField("key", .text, "Only this key."),
                ]
            ) { request throws(AdminError) in try await self.costs(request) },
        ]
    }

    private func costs(_ request: AdminRequest) async throws(AdminError) -> AdminReply {
        var dimensions: [CostQuestion.Dimension] = []
        for word in (request.query["by"] ?? CostQuestion.Dimension.key.rawValue).split(separator: ",") {
            guard let dimension = CostQuestion.Dimension(rawValue: String(word)) else {
                throw .badField("by", "has no '\(word.prefix(100))'; it takes \(Self.dimensions)")
            }
            dimensions.append(dimension)
        }
        guard self.store.file != nil else { throw .noStore }
        func milliseconds(_ name: String) -> Int64? {
            request.query[name].flatMap { Int64($0) }.map { $0.multipliedReportingOverflow(by: 1_000) }
                .map { $0.overflow ? .max : $0.partialValue }
        }
        let question = CostQuestion(
            by: dimensions, since: milliseconds("since"), until: milliseconds("until"), key: request.query["key"])
        do throws(NeedletailError) {
            let report = try await self.store.costs(question)
            return AdminReply(body: ByteBuffer(string: CostTable(report).written(.json)))
        } catch {
            throw .store(error)
        }
    }
}

extension AdminError {
    /// Nothing is kept.
    static let noStore = AdminError(409, "no_store", "This gateway keeps no store; write `store: on`.")

    /// The store failed.
    static func store(_ error: NeedletailError) -> Self {
        switch error.code {
        case .notFound: AdminError(404, "not_found", error.message)
        case .invalidRequest: AdminError(400, "invalid_request", error.message)
        default: AdminError(503, "store_unavailable", error.message)
        }
    }
}
