import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailTesting
import Testing

@testable import NeedletailControl

/// Walks every route of both listeners with everybody, and compares with the tables of `docs/admin.md`.
@Suite("Access: every route with everybody", .timeLimit(.minutes(5)))
struct AccessWalkTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func rows(_ columns: Int) throws -> [[String]] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/admin.md"), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
            line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces).replacing("`", with: "") }
        }.filter { $0.count == columns }
    }

    /// A path with something in its places.
    private static func filled(_ path: String) -> String {
        path.replacing(/\{[a-z]+\}/, with: "x")
    }

    private static func status(_ admission: EdgeAdmission) -> Int {
        switch admission {
        case .admitted: 0
        case .refused(let response): response.status
        }
    }

    @Test("every route of the admin listener, with every role, with no key, a wrong one, and a client's")
    func administration() throws {
        let roles = try Self.rows(7)
        let permissions = try #require(roles.first).dropFirst()
        var allowed: [String: Set<String>] = [:]
        for row in roles.dropFirst() {
            allowed[row[0]] = Set(zip(permissions, row.dropFirst()).filter { $0.1 == "yes" }.map(\.0))
        }
        #expect(allowed.count == AdminRole.allCases.count)
        let routes = try Self.rows(4).filter { $0[0] != "method" }
        let process = try GatewayProcess(
            Fixture.load("providers: { m: { type: mock } }\nkeys: [ { name: dev, key: { env: DEV_KEY } } ]"),
            .init(environment: [:], group: .singleton, logger: Self.logger))
        // Of its own for each key, or the wrong ones would lock all out.
        func ask(_ route: [String], _ key: String?) -> Int {
            let access = AdminAccess(.everyRole, host: "127.0.0.1", time: .live)
            let api = AdminAPI(process.rooms, access: access, rest: NowhereHandler(), logger: Self.logger)
            return Self.status(
                api.admit(
                    adminHead(.init(rawValue: route[0]), AdminRoute.root + Self.filled(route[1]), key: key), from: nil))
        }
        #expect(routes.count > 60)
        for route in routes {
            for (role, permissions) in allowed {
                let status = ask(route, "secret-of-\(role)")
                #expect(
                    (status == 403) == !permissions.contains(route[2]) && status != 401 && status != 404,
                    "\(route[0]) \(route[1]) as \(role): \(status)")
            }
            for key in [nil, "wrong", Fixture.environment["DEV_KEY"]] {
                #expect(ask(route, key) == 401, "\(route[0]) \(route[1])")
            }
        }
    }

    /// Keys that came and went.
    private struct Stored: StoredAccess {
        let isEmpty = false
        func find(_ secret: String) -> AccessKey? { nil }
    }

    @Test("every route of the API listener, with a key that may, keys that may not, and none")
    func clients() throws {
        let routes = try Self.rows(3).filter { $0[0] != "route" }
        #expect(routes.count > 40)
        var keys = [AccessKey(name: "free", secret: "free")]
        for surface in ClientSurface.allCases {
            var grant = KeyGrant(tenant: "blue", models: nil)
            grant.surfaces = [surface]
            keys.append(AccessKey(name: surface.rawValue, secret: "only-\(surface.rawValue)", grant: grant))
        }
        var elsewhere = KeyGrant()
        elsewhere.networks = [try #require(ClientNetwork("10.0.0.0/8"))]
        keys.append(AccessKey(name: "elsewhere", secret: "elsewhere", grant: elsewhere))
        let handler = GatewayHandler(
            services: GatewayServices(
                stack: ScriptedProvider("never"), listModels: { _ in [] }, access: AccessTable(keys, stored: Stored())),
            ids: RequestIDSource(RandomSource.Generator(.seeded(1))), phase: ServingPhase(), time: .live,
            logger: Self.logger)
        func ask(_ route: [String], _ key: String?) throws -> Int {
            let parts = route[0].split(separator: " ").map(String.init)
            var headers = HTTPHeaders([("host", "localhost")])
            if let key { headers.add(name: "authorization", value: "Bearer \(key)") }
            let head = HTTPRequestHead(
                version: .http1_1, method: .init(rawValue: parts[0]), uri: Self.filled(parts[1]), headers: headers)
            let peer = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
            return Self.status(handler.admit(head, from: peer))
        }
        for route in routes {
            let isOpen = route[2] == "nothing"
            for key in [nil, "wrong", "secret-of-admin"] {
                #expect(try ask(route, key) == (isOpen ? 0 : 401), "\(route[0])")
            }
            #expect(try ask(route, "free") == 0, "\(route[0])")
            #expect(try ask(route, "elsewhere") == (isOpen ? 0 : 403), "\(route[0])")
            for surface in ClientSurface.allCases {
                let mayAsk = isOpen || surface.rawValue == route[1]
                #expect(try ask(route, "only-\(surface.rawValue)") == (mayAsk ? 0 : 403), "\(route[0]) as \(surface)")
            }
        }
    }
}
