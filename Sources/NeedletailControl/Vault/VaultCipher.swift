import Crypto
import Foundation
import NeedletailCore

/// Seals and opens a vault's records: AES-256-GCM twice (NIST SP 800-38D). Each record has a key of its own, wrapped with the
/// master key, so that another master key means wrapping anew and no nonce is ever used twice with one key. Name and version
/// are authenticated with both: a record that was moved, renamed or put back from an older copy of another does not open.
struct VaultCipher {
    let master: MasterKey
    /// Counts the master keys, see ``VaultSeal/version``.
    let keyVersion: Int

    /// Seals a credential.
    func seal(
        _ secret: Secret, name: String, version: Int, created: Int64, random: RandomSource
    ) throws(NeedletailError) -> SealedSecret {
        var bits = Self.bytes(32, random)
        var text = Array(secret.exposed.utf8)
        defer {
            bits.wipe()
            text.wipe()
        }
        let label = Self.label("record", name, version)
        let sealed = try Self.seal(text, SymmetricKey(data: bits), label, random)
        let wrapped = try Self.seal(bits, self.master.bits, Self.label("key", name, version, self.keyVersion), random)
        return SealedSecret(
            name: name, version: version, keyVersion: self.keyVersion, wrappedKey: wrapped, sealed: sealed,
            created: created)
    }

    /// Opens a credential.
    ///
    /// - Throws: `.unavailable` for a record that this key did not seal, or that was changed.
    func open(_ record: SealedSecret) throws(NeedletailError) -> Secret {
        let label = Self.label("key", record.name, record.version, record.keyVersion)
        guard record.keyVersion == self.keyVersion,
            var bits = Self.open(record.wrappedKey, self.master.bits, label)
        else { throw Self.spoilt(record) }
        defer { bits.wipe() }
        let inner = Self.label("record", record.name, record.version)
        guard var text = Self.open(record.sealed, SymmetricKey(data: bits), inner) else { throw Self.spoilt(record) }
        defer { text.wipe() }
        return Secret(String(decoding: text, as: UTF8.self))
    }

    /// A known text, sealed: what tells whether a master key is this vault's.
    func proof(_ random: RandomSource) throws(NeedletailError) -> [UInt8] {
        try Self.seal(Array(self.master.id.utf8), self.master.bits, Self.label("proof", "", self.keyVersion), random)
    }

    /// Whether the key sealed a proof.
    func opens(_ proof: [UInt8]) -> Bool {
        Self.open(proof, self.master.bits, Self.label("proof", "", self.keyVersion)) == Array(self.master.id.utf8)
    }

    private static func spoilt(_ record: SealedSecret) -> NeedletailError {
        NeedletailError(
            .unavailable,
            "The vault's secret '\(record.name)' cannot be opened: somebody has changed it in the store. Set it again, or "
                + "restore a backup.")
    }

    private static func seal(
        _ bytes: [UInt8], _ key: SymmetricKey, _ label: [UInt8], _ random: RandomSource
    ) throws(NeedletailError) -> [UInt8] {
        do {
            let nonce = try AES.GCM.Nonce(data: Self.bytes(12, random))
            let box = try AES.GCM.seal(bytes, using: key, nonce: nonce, authenticating: label)
            return Array(box.nonce) + box.ciphertext + box.tag
        } catch {
            throw NeedletailError(.internalFailure, "The vault cannot seal.", cause: error)
        }
    }

    private static func open(_ bytes: [UInt8], _ key: SymmetricKey, _ label: [UInt8]) -> [UInt8]? {
        guard let box = try? AES.GCM.SealedBox(combined: bytes),
            var data = try? AES.GCM.open(box, using: key, authenticating: label)
        else { return nil }
        defer { data.resetBytes(in: 0..<data.count) }
        return Array(data)
    }

    /// What is authenticated beside a text, with the lengths of its parts so that no two labels are alike.
    private static func label(_ kind: String, _ name: String, _ numbers: Int...) -> [UInt8] {
        Array(
            "needletail vault 1 \(kind) \(name.utf8.count):\(name) \(numbers.map { "\($0)" }.joined(separator: " "))"
                .utf8)
    }

    private static func bytes(_ count: Int, _ random: RandomSource) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var word = random.next()
            for _ in 0..<8 {
                bytes.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
        }
        return Array(bytes.prefix(count))
    }
}
