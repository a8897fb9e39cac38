import Foundation
import NeedletailCore
import NeedletailStore
import NeedletailTesting

@testable import NeedletailControl

/// A vault in a folder of its own.
struct VaultFixture {
    static let first = String(repeating: "11", count: 32)
    static let second = String(repeating: "22", count: 32)

    let folder: TemporaryFolder
    let store: SQLiteStore
    let time = JumpingTime()
    var path: String { self.folder.path + "/needletail.db" }

    init() throws {
        self.folder = try TemporaryFolder()
        self.store = try SQLiteStore(path: self.folder.path + "/needletail.db")
    }

    func vault(_ master: String? = Self.first, previous: String? = nil, seed: UInt64 = 7) -> Vault {
        var environment: [String: String] = [:]
        environment["NEEDLETAIL_MASTER_KEY"] = master
        environment["NEEDLETAIL_PREVIOUS_MASTER_KEY"] = previous
        var vault = Vault(store: self.store, configuration: VaultConfiguration(), environment: environment)
        vault.time = self.time.source
        vault.random = .seeded(seed)
        return vault
    }

    /// Every byte that is on the disk.
    func bytes() throws -> Data {
        var all = Data()
        for name in try FileManager.default.contentsOfDirectory(atPath: self.folder.path) {
            all += FileManager.default.contents(atPath: self.folder.path + "/" + name) ?? Data()
        }
        return all
    }
}

extension [VaultValue] {
    var texts: [String] { self.map(\.secret.exposed) }
}
