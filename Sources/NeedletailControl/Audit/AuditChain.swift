import Crypto
import NeedletailCore

/// How the audit records hang together: each holds the hash of the one before.
enum AuditChain {
    /// The hash of a record: SHA-256 over the hash before it and its own text.
    static func hash(previous: String, text: String) -> String {
        var hash = SHA256()
        hash.update(data: Array(previous.utf8))
        hash.update(data: Array(text.utf8))
        return Array(hash.finalize()).hexadecimal
    }

    /// The records that carry events on from the chain's end.
    static func records(after head: AuditHead, _ events: [AuditEvent]) -> [AuditRecord] {
        var head = head
        return events.map { event in
            let text = event.text
            let record = AuditRecord(
                // What a forger wrote as the end must not end the process; `verify` tells of it.
                sequence: head.sequence &+ 1, text: text, previous: head.hash,
                hash: Self.hash(previous: head.hash, text: text))
            head = AuditHead(sequence: record.sequence, hash: record.hash)
            return record
        }
    }
}
