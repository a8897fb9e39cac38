import Foundation
import Logging
import NeedletailCore
import Testing

@testable import NeedletailControl

@Suite("The gateway's store at a start")
struct GatewayStoreTests {
    private func open(_ yaml: String, _ path: String?) throws {
        let loader = ConfigurationLoader(types: .version, environment: ["K": "sk-1"])
        var configuration = try loader.load(text: "providers: { m: { type: mock } }\n" + yaml, named: "f.yaml")
        configuration.store = StoreConfiguration()
        configuration.store.path = path
        _ = try GatewayStore(
            configuration, time: .live, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test("a file that may hold the only keys and cannot be read ends the start; one beside keys of the file does not")
    func damaged() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("needletail.db", String(repeating: "this is no database. ", count: 400))
        #expect(throws: NeedletailError.self) { try self.open("", file) }
        #expect(throws: Never.self) { try self.open("keys: [{ name: k, key: { env: K } }]\n", file) }
    }
}
