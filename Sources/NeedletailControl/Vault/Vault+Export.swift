import Foundation
public import NeedletailCore

extension Vault {
    /// What an export says it is.
    private static let format = "needletail-vault-1"

    /// Everything as it is in the store, sealed, as JSON: of use only to who has the master key.
    public func export() throws(NeedletailError) -> String {
        let contents = try self.store.vault()
        var json = JSONWriter()
        json.beginObject()
        json.member("format", Self.format)
        if let seal = contents.seal {
            json.member("key_id", seal.keyID)
            json.member("key_version", seal.version)
            json.member("proof", Data(seal.proof).base64EncodedString())
        }
        json.member("secrets", objects: contents.secrets) { json, record in
            json.member("name", record.name)
            json.member("version", record.version)
            json.member("created", Int(record.created))
            json.member("expires", record.expires.map { Int($0) })
            json.member("validated", record.validated.map { Int($0) })
            json.member("wrapped_key", Data(record.wrappedKey).base64EncodedString())
            json.member("sealed", Data(record.sealed).base64EncodedString())
        }
        json.endObject()
        return JSONText(unchecked: json.bytes).description
    }

    /// The newest version of everything, open.
    public func reveal() throws(NeedletailError) -> [(name: String, secret: Secret)] {
        let contents = try self.store.vault()
        guard let cipher = try self.cipher(contents) else { return [] }
        var shown: [(name: String, secret: Secret)] = []
        for entry in Self.entries(contents, now: self.time.wallSeconds()) {
            guard let record = contents.secrets.first(where: { $0.name == entry.name && $0.version == entry.version })
            else { continue }
            shown.append((entry.name, try cipher.open(record)))
        }
        return shown
    }

    /// Sets everything that an export of a vault with the same master key holds, and leaves all else as it is.
    ///
    /// - Returns: The names that were set.
    public func restore(_ text: String) throws(NeedletailError) -> [String] {
        let contents = try Self.contents(of: text)
        guard let cipher = try self.cipher(contents) else { return [] }
        var newest: [String: SealedSecret] = [:]
        for record in contents.secrets where record.version >= newest[record.name]?.version ?? 0 {
            newest[record.name] = record
        }
        // Opened before anything is written: of a damaged export nothing is taken.
        var secrets: [(name: String, secret: Secret)] = []
        for name in newest.keys.sorted() {
            if let record = newest[name] { secrets.append((name, try cipher.open(record))) }
        }
        for (name, secret) in secrets { try self.set(name, secret) }
        return secrets.map(\.name)
    }

    private static func contents(of text: String) throws(NeedletailError) -> VaultContents {
        let fault = NeedletailError(.invalidRequest, "This is no export of a vault, or not all of one.")
        guard let root = try? JSONDocument(JSONText(text).bytes).root, root["format"]?.string == Self.format,
            let records = root["secrets"]?.elements
        else { throw fault }
        func bytes(_ view: JSONView?) -> [UInt8]? {
            view?.string.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
        }
        var contents = VaultContents()
        if let keyID = root["key_id"]?.string, let version = root["key_version"]?.int, let proof = bytes(root["proof"])
        {
            contents.seal = VaultSeal(version: version, keyID: keyID, proof: proof, created: 0)
        }
        for record in records {
            guard let name = record["name"]?.string, let version = record["version"]?.int,
                let created = record["created"]?.int, let wrapped = bytes(record["wrapped_key"]),
                let sealed = bytes(record["sealed"]), let seal = contents.seal
            else { throw fault }
            contents.secrets.append(
                SealedSecret(
                    name: name, version: version, keyVersion: seal.version, wrappedKey: wrapped, sealed: sealed,
                    created: Int64(created)))
        }
        return contents
    }
}
