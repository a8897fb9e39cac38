import Foundation
public import NeedletailCore

/// The end of the chain, noted in a file beside the store, so that cutting the end off takes changing two things. For more,
/// send the log elsewhere: it has the end at every start and stop.
struct AuditAnchor: Sendable {
    /// The file.
    let path: String

    /// The anchor of a store.
    init(store path: String) {
        self.path = path + ".audit-head"
    }

    /// What was noted; `nil` where nothing was, or nothing that can be read.
    func read() -> AuditHead? {
        guard let data = FileManager.default.contents(atPath: self.path), data.count < 200,
            let text = String(data: data, encoding: .utf8)
        else { return nil }
        return AuditHead(text)
    }

    /// Notes an end. It never goes back: what was noted must stay in the chain.
    func write(_ head: AuditHead) {
        if let known = self.read(), known.sequence >= head.sequence { return }
        // Without it the store still has the end; the next one is noted again.
        try? Data("\(head.text)\n".utf8).write(to: URL(fileURLWithPath: self.path), options: .atomic)
    }
}

extension AuditHead {
    /// `NUMBER:HASH`.
    public var text: String { "\(self.sequence):\(self.hash)" }

    /// Reads ``text``; `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: ":")
        guard parts.count == 2, let sequence = Int64(parts[0]), sequence >= 0, parts[1].utf8.count == 64 else {
            return nil
        }
        self.init(sequence: sequence, hash: String(parts[1]))
    }
}
