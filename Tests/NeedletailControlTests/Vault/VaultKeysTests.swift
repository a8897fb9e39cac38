import NeedletailCore
import NeedletailStore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("Vault: when its keys are fetched", .timeLimit(.minutes(5)))
struct VaultKeysTests {
    /// A store that notes which keys are read, and which of them while it is locked.
    private final class WatchedStore: VaultStore {
        let inner: SQLiteStore
        let isLocked = Atomic(false)
        let isSealedAnew = Atomic(false)
        let reads = Mutex<[String]>([])

        init(_ inner: SQLiteStore) { self.inner = inner }

        func vault() throws(NeedletailError) -> VaultContents { try self.inner.vault() }
        func revision() throws(NeedletailError) -> Int { try self.inner.revision() }
        func changeVault(
            _ change: (inout VaultContents) throws(NeedletailError) -> Void
        ) throws(NeedletailError) {
            if self.isSealedAnew.load(ordering: .relaxed) {
                self.isSealedAnew.store(false, ordering: .relaxed)
                var other = Vault(
                    store: self.inner, configuration: VaultConfiguration(),
                    environment: [
                        "NEEDLETAIL_MASTER_KEY": VaultFixture.second,
                        "NEEDLETAIL_PREVIOUS_MASTER_KEY": VaultFixture.first,
                    ])
                other.random = .seeded(9)
                _ = try other.reseal()
            }
            self.isLocked.store(true, ordering: .relaxed)
            defer { self.isLocked.store(false, ordering: .relaxed) }
            try self.inner.changeVault(change)
        }

        /// What was read since the last time.
        func taken() -> [String] {
            self.reads.withLock { reads in
                defer { reads = [] }
                return reads
            }
        }

        var files: ConfigurationFiles {
            ConfigurationFiles { path, _ throws(ConfigurationFiles.Failure) in
                let isLocked = self.isLocked.load(ordering: .relaxed)
                self.reads.withLock { $0.append(isLocked ? "locked " + path : path) }
                switch path {
                case "first": return VaultFixture.first
                case "second": return VaultFixture.second
                default: throw .missing
                }
            }
        }

        static func configuration(_ master: String, _ previous: String) -> VaultConfiguration {
            var configuration = VaultConfiguration()
            configuration.masterKey = .file(master)
            configuration.previousKey = .file(previous)
            return configuration
        }

        func vault(_ master: String, _ previous: String) -> Vault {
            var vault = Vault(store: self, configuration: Self.configuration(master, previous), environment: [:])
            vault.files = self.files
            vault.time = JumpingTime().source
            vault.random = .seeded(7)
            return vault
        }
    }

    @Test("Never while the store is locked, each once, and the one before only where the first is not the one")
    func fetching() throws {
        let fixture = try VaultFixture()
        let store = WatchedStore(fixture.store)
        let vault = store.vault("first", "second")
        try vault.set("a", Secret("one"))
        #expect(store.taken() == ["first"])
        try vault.rotate("a", Secret("two"), overlap: 60)
        #expect(store.taken() == ["first"])
        #expect(try vault.values("a").texts == ["two", "one"])
        #expect(store.taken() == ["first"])
        #expect(throws: NeedletailError.self) { try vault.rotate("b", Secret("x"), overlap: 60) }
        #expect(store.taken() == [], "there is nothing to open")
        _ = try store.vault("second", "first").reseal()
        #expect(store.taken() == ["second", "first"])
        #expect(try store.vault("none", "second").values("a").texts == ["two", "one"])
        #expect(store.taken() == ["none", "second"])
        #expect(try fixture.vault(VaultFixture.second).values("a").texts == ["two", "one"])
    }

    @Test("A vault that is sealed anew while the keys are fetched is opened again")
    func sealedAnew() throws {
        let fixture = try VaultFixture()
        let store = WatchedStore(fixture.store)
        let vault = store.vault("first", "second")
        try vault.set("a", Secret("one"))
        _ = store.taken()
        store.isSealedAnew.store(true, ordering: .relaxed)
        try vault.set("a", Secret("two"))
        #expect(store.taken() == ["first", "first", "second"])
        #expect(try fixture.vault(VaultFixture.second).values("a").texts == ["two"])
    }

    @Test("A load that reads many credentials fetches the key once")
    func load() throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("a", Secret("one"))
        try fixture.vault().set("b", Secret("two"))
        let store = WatchedStore(fixture.store)
        let reader = VaultReader(
            path: fixture.path, configuration: WatchedStore.configuration("first", "second"), environment: [:],
            files: store.files, time: fixture.time.source)
        #expect(try reader.values("a").texts == ["one"])
        #expect(try reader.values("b").texts == ["two"])
        #expect(store.taken() == ["first"])
    }

    @Test("A program that closes its output and goes on is not waited for without end")
    func lingering() {
        let clock = JumpingTime()
        var time = clock.source
        time.now = {
            clock.advance(by: .seconds(1))
            return clock.now
        }
        let words = ["sh", "-c", "echo \(VaultFixture.first); exec sleep 1000 >&-"]
        let error = #expect(throws: NeedletailError.self) {
            try MasterKeyCommand(words, environment: ["PATH": "/usr/bin:/bin"]).output(limit: 4_096, time: time)
        }
        #expect(error?.message.contains("longer than 10 s") == true)
    }
}
