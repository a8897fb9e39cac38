import Foundation
import NeedletailCore
import NeedletailStore
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("Vault")
struct VaultTests {
    @Test("What is set is read again, and the file shows nothing of it")
    func roundTrip() throws {
        let fixture = try VaultFixture()
        let vault = fixture.vault()
        let entry = try vault.set("openai", Secret("sk-marker-in-vault"))
        #expect(entry.name == "openai" && entry.version == 1 && entry.validated == nil)
        #expect(try vault.values("openai").texts == ["sk-marker-in-vault"])
        #expect(try vault.values("other").isEmpty)
        #expect(try vault.list() == [entry])
        #expect(try fixture.bytes().range(of: Data("sk-marker-in-vault".utf8)) == nil)
        #expect(try fixture.bytes().range(of: Data("openai".utf8)) != nil)
        let again = try SQLiteStore(path: fixture.path, mode: .read)
        #expect(try again.vault() == fixture.store.vault())
    }

    @Test("Another master key is refused by name, for reading and for writing, and nothing changes")
    func wrongKey() throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("a", Secret("one"))
        let before = try fixture.store.vault()
        let wrong = fixture.vault(VaultFixture.second)
        let keyID = try #require(before.seal?.keyID)
        for attempt in [
            { () throws in _ = try wrong.values("a") }, { () throws in _ = try wrong.set("a", Secret("two")) },
            { () throws in _ = try wrong.rotate("a", Secret("two"), overlap: 9) },
            { () throws in _ = try wrong.reseal() },
            { () throws in _ = try wrong.reveal() },
        ] {
            let error = #expect(throws: NeedletailError.self) { try attempt() }
            #expect(error?.message.contains(keyID) == true && error?.message.contains("nothing was changed") == true)
        }
        #expect(try fixture.store.vault() == before)
        let none = #expect(throws: NeedletailError.self) { try fixture.vault(nil).values("a") }
        #expect(none?.message.contains("NEEDLETAIL_MASTER_KEY") == true)
        #expect(try fixture.vault(nil).list().count == 1, "names need no key")
        #expect(try fixture.vault().values("a").texts == ["one"])
    }

    @Test("A rotated credential has its successor beside it for the overlap, and no longer")
    func rotate() throws {
        let fixture = try VaultFixture()
        let vault = fixture.vault()
        #expect(throws: NeedletailError.self) { try vault.rotate("a", Secret("x"), overlap: 60) }
        try vault.set("a", Secret("one"))
        fixture.time.advance(by: .seconds(100))
        let entry = try vault.rotate("a", Secret("two"), overlap: 60)
        #expect(entry.version == 2 && entry.overlapping.map(\.version) == [1])
        #expect(try vault.values("a").texts == ["two", "one"])
        fixture.time.advance(by: .seconds(59))
        #expect(try vault.values("a").texts == ["two", "one"])
        fixture.time.advance(by: .seconds(1))
        #expect(try vault.values("a").texts == ["two"])
        #expect(try vault.set("a", Secret("three")).version == 3)
        #expect(try vault.values("a").texts == ["three"])
        #expect(try fixture.store.vault().secrets.map(\.version) == [3], "what has ended is gone")
        try vault.delete("a")
        #expect(try vault.list().isEmpty)
        #expect(throws: NeedletailError.self) { try vault.delete("a") }
    }

    @Test("Everything is sealed anew with another master key, and the one before opens nothing any more")
    func reseal() throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("a", Secret("one"))
        try fixture.vault().rotate("a", Secret("two"), overlap: 60)
        try fixture.vault().set("b", Secret("three"))
        let before = try fixture.store.vault()
        let both = fixture.vault(VaultFixture.second, previous: VaultFixture.first, seed: 8)
        #expect(try both.values("a").texts == ["two", "one"], "while it lasts both keys open it")
        let done = try both.reseal()
        #expect(done.count == 3)
        let after = try fixture.store.vault()
        #expect(after.seal?.version == 2 && after.seal?.keyID == done.keyID && done.keyID != before.seal?.keyID)
        #expect(after.secrets.map(\.created) == before.secrets.map(\.created))
        #expect(after.secrets.map(\.expires) == before.secrets.map(\.expires))
        for (old, new) in zip(before.secrets, after.secrets) {
            #expect(old.sealed != new.sealed && old.wrappedKey != new.wrappedKey)
        }
        let new = fixture.vault(VaultFixture.second)
        #expect(try new.values("a").texts == ["two", "one"])
        #expect(try new.values("b").texts == ["three"])
        #expect(throws: NeedletailError.self) { try fixture.vault().values("a") }
        // The old key alone as the new one and the new one as the old: the way back.
        _ = try fixture.vault(VaultFixture.first, previous: VaultFixture.second, seed: 9).reseal()
        #expect(try fixture.vault().values("b").texts == ["three"])
    }

    @Test("A record that was changed, renamed or exchanged in the store does not open", arguments: 0..<5)
    func tampering(_ way: Int) throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("a", Secret("one"))
        try fixture.vault().set("b", Secret("two"))
        try fixture.store.changeVault { contents in
            switch way {
            case 0: contents.secrets[0].sealed[20] ^= 1
            case 1: contents.secrets[0].wrappedKey[20] ^= 1
            case 2:
                contents.secrets[0].sealed = contents.secrets[1].sealed
                contents.secrets[0].wrappedKey = contents.secrets[1].wrappedKey
            case 3: contents.secrets[0].version = 9
            default: contents.secrets[0].sealed = []
            }
        }
        let error = #expect(throws: NeedletailError.self) { try fixture.vault().values("a") }
        #expect(error?.message.contains("'a'") == true)
        #expect(try fixture.vault().values("b").texts == ["two"])
    }

    @Test("An export holds no credential in the open, and is read again with the same key and no other")
    func export() throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("a", Secret("sk-marker-a"))
        try fixture.vault().rotate("a", Secret("sk-marker-b"), overlap: 1_000)
        let text = try fixture.vault().export()
        #expect(!text.contains("sk-marker"))
        let other = try VaultFixture()
        #expect(throws: NeedletailError.self) { try other.vault(VaultFixture.second).restore(text) }
        #expect(throws: NeedletailError.self) { try other.vault().restore("{}") }
        #expect(throws: NeedletailError.self) {
            try other.vault().restore(text.replacing("\"version\":2", with: "\"version\":7"))
        }
        #expect(try other.vault().list().isEmpty)
        #expect(try other.vault(VaultFixture.second, previous: VaultFixture.first).restore(text) == ["a"])
        #expect(try other.vault(VaultFixture.second).values("a").texts == ["sk-marker-b"])
        #expect(try fixture.vault().reveal().map(\.secret.exposed) == ["sk-marker-b"])
    }

    @Test(
        "A master key is 32 bytes in base64 or hexadecimal",
        arguments: [
            (String(repeating: "ab", count: 32), true), (String(repeating: "AB", count: 32) + "\n", true),
            (Data(repeating: 0xFB, count: 32).base64EncodedString(), true),
            (
                Data(repeating: 0xFB, count: 32).base64EncodedString().replacing("+", with: "-").replacing(
                    "=", with: ""), true
            ),
            ("", false), ("password", false), (String(repeating: "ab", count: 31), false),
            (Data(repeating: 1, count: 16).base64EncodedString(), false), (String(repeating: "zz", count: 32), false),
        ])
    func masterKey(_ text: String, _ isKey: Bool) {
        #expect(((try? MasterKey(text: text)) != nil) == isKey)
    }

    @Test(
        "A program gives out the key, or is told of",
        arguments: [
            (["sh", "-c", "echo \(VaultFixture.first)"], nil), (["sh", "-c", "echo $IN_ENV"], nil),
            (["sh", "-c", "exit 3"], "ends with 3"), (["no-such-program-here"], "ends with 127"),
            (["sh", "-c", "echo short"], "no key"), (["sh", "-c", "head -c 9999 /dev/zero"], "more than a key"),
        ] as [([String], String?)])
    func command(_ words: [String], _ problem: String?) throws {
        let environment = ["IN_ENV": VaultFixture.first, "PATH": "/usr/bin:/bin"]
        do throws(NeedletailError) {
            let key = try MasterKeySource.command(words).read(environment, .live)
            #expect(problem == nil && key.id == (try? MasterKey(text: VaultFixture.first))?.id)
        } catch {
            #expect(error.message.contains(problem ?? "nothing is wrong"))
        }
    }

    @Test(
        "What cannot be a credential is refused",
        arguments: ["", "a\nb", "\u{7F}", String(repeating: "x", count: 65_537)])
    func badSecret(_ text: String) throws {
        let fixture = try VaultFixture()
        #expect(throws: NeedletailError.self) { try fixture.vault().set("a", Secret(text)) }
        #expect(throws: NeedletailError.self) { try fixture.vault().set("no name", Secret("x")) }
        #expect(try fixture.store.vault() == VaultContents())
    }
}
