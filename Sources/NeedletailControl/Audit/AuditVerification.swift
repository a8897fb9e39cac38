import NeedletailCore

/// Looks a chain over, record by record, and finds what was changed, taken out, put in, exchanged or cut off. Pure.
struct AuditVerification: Sendable {
    /// More than this many are not worth reading.
    static let limit = 20

    /// What is wrong, in the order of the chain.
    private(set) var faults: [String] = []
    /// The newest record.
    private(set) var head = AuditHead.none
    /// Ends that the chain is known to have had and that were not passed yet, by number.
    private var anchors: [Int64: Set<String>]
    private let names: [Int64: String]

    /// - Parameter anchors: Ends that the chain is known to have had, and where they were kept.
    init(anchors: [(head: AuditHead, place: String)]) {
        self.anchors = Dictionary(grouping: anchors.filter { $0.head.sequence > 0 }, by: \.head.sequence)
            .mapValues { Set($0.map(\.head.hash)) }
        self.names = Dictionary(
            anchors.map { ($0.head.sequence, $0.place) }, uniquingKeysWith: { "\($0) and \($1)" })
    }

    /// Takes the next record.
    mutating func take(_ record: AuditRecord) {
        guard record.sequence > 0 else {
            return self.tell("record \(record.sequence) was not written by a gateway, which counts from 1")
        }
        // Numbers come from the file: none may end the process.
        let expected = self.head.sequence &+ 1
        if record.sequence > expected {
            self.tell(
                record.sequence == expected &+ 1
                    ? "record \(expected) is missing" : "records \(expected) to \(record.sequence - 1) are missing")
        } else if record.sequence < expected {
            self.tell("record \(record.sequence) is there twice")
        } else if record.previous != self.head.hash {
            self.tell("record \(record.sequence) does not follow the one before it")
        }
        if AuditChain.hash(previous: record.previous, text: record.text) != record.hash {
            self.tell("record \(record.sequence) was changed")
        }
        if let known = self.anchors.removeValue(forKey: record.sequence), known != [record.hash] {
            self.tell("record \(record.sequence) is another than \(self.names[record.sequence] ?? "was noted") says")
        }
        self.head = AuditHead(sequence: record.sequence, hash: record.hash)
    }

    /// Takes the end: what was noted and never came was cut off.
    mutating func finish(noted: AuditHead) {
        for sequence in self.anchors.keys.sorted() {
            self.tell(
                "the end is missing: \(self.names[sequence] ?? "a note") knows of record \(sequence), and the last is "
                    + "\(self.head.sequence)")
        }
        if noted.sequence < self.head.sequence {
            self.tell("records \(noted.sequence + 1) to \(self.head.sequence) were not written by a gateway")
        }
    }

    private mutating func tell(_ fault: String) {
        if self.faults.count < Self.limit { self.faults.append(fault) }
    }
}
