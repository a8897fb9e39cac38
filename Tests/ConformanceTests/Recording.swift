import Foundation
import NIOCore
import NeedletailCore

/// One recorded exchange between somebody's client and a provider.
struct Recording: Sendable, CustomStringConvertible {
    /// How a reply is cut into pieces.
    enum Cut: CaseIterable { case whole, random, bytes }

    /// `openai/chat`.
    var folder: String
    var name: String
    var status: Int
    var headers: [String: String]
    /// How the bytes came over the network, where somebody wrote it down.
    var chunkSizes: [Int] = []
    var request: Data?
    /// What a client of the dialect gets.
    var reply: Data
    /// What the provider sent, where that holds the reply's events in frames of its own.
    var frames: Data?
    var isStream: Bool
    /// The dialect of the reply; `nil` if it is no chat.
    var dialect: DialectID?
    /// The model that was asked.
    var model = "m"

    var description: String { "\(self.folder)/\(self.name)" }

    /// The reply as a JSON object.
    var json: [String: Any] { JSON.object(self.reply) ?? [:] }

    /// A recording made of its parts.
    init(
        folder: String, name: String, status: Int, headers: [String: String], request: Data?, reply: Data,
        isStream: Bool, dialect: DialectID
    ) {
        self.folder = folder
        self.name = name
        self.status = status
        self.headers = headers
        self.request = request
        self.reply = reply
        self.isStream = isStream
        self.dialect = dialect
    }

    init?(root: String, folder: String, name: String) {
        let path = "\(root)/\(folder)/\(name)/"
        guard let data = FileManager.default.contents(atPath: path + "meta.json"), let meta = JSON.object(data)
        else { return nil }
        self.folder = folder
        self.name = name
        self.status = meta.number("http_status") ?? 200
        self.headers = meta["response_headers"] as? [String: String] ?? [:]
        self.chunkSizes = meta["network_chunk_sizes"] as? [Int] ?? []
        self.model = meta["model"] as? String ?? "m"
        self.request = FileManager.default.contents(atPath: path + "request.json")
        guard let body = Self.body(path) else { return nil }
        (self.reply, self.isStream) = body
        if self.isStream, let events = Self.unwrapped(self.reply) {
            self.frames = self.reply
            self.reply = events
        }
        if self.status < 300, !self.isStream, let list = Self.array(self.reply) {
            // What Gemini streams as one array to those who ask so; the gateway asks for events.
            self.reply = list
            self.isStream = true
        }
        switch RecordedSurface.of(folder) {
        case .chat(let dialect): self.dialect = dialect
        case .mixed: self.dialect = RecordedSurface.dialect(of: self.reply, isStream: self.isStream)
        default: self.dialect = nil
        }
    }

    private static func body(_ path: String) -> (Data, isStream: Bool)? {
        for name in ["stream.sse", "stream.ndjson"] {
            if let data = FileManager.default.contents(atPath: path + name) { return (data, true) }
        }
        if let text = FileManager.default.contents(atPath: path + "stream.eventstream.b64"),
            let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters)
        {
            return (data, true)
        }
        for name in ["response.json", "response.txt"] {
            if let data = FileManager.default.contents(atPath: path + name) { return (data, false) }
        }
        return nil
    }

    /// The events that InvokeModel's frames hold in base64, where they are Anthropic's.
    private static func unwrapped(_ data: Data) -> Data? {
        let frames = AmazonFrames(data).frames
        guard !frames.isEmpty else { return nil }
        var events = ""
        for frame in frames {
            guard let bytes = JSON.object(frame.payload)?["bytes"] as? String, let inner = Data(base64Encoded: bytes),
                let type = JSON.object(inner)?["type"] as? String
            else { return nil }
            events += "event: \(type)\ndata: \(String(decoding: inner, as: UTF8.self))\n\n"
        }
        return Data(events.utf8)
    }

    private static func array(_ data: Data) -> Data? {
        guard data.first == UInt8(ascii: "["),
            let list = (try? JSONSerialization.jsonObject(with: data)) as? [[String: Any]],
            list.contains(where: { $0["candidates"] != nil })
        else { return nil }
        return Data(list.map { "data: " + String(decoding: JSON.data($0), as: UTF8.self) + "\n\n" }.joined().utf8)
    }

    /// How the one cut of a case is chosen where not all are made: by its name, as recorded where that is known.
    func cut(_ salt: String) -> Cut {
        guard self.isStream else { return .random }
        var random = NameGenerator(self.name + salt)
        return self.reply.count <= 6000 && Int.random(in: 0..<3, using: &random) == 0 ? .bytes : .random
    }

    /// The reply in pieces; at random: as recorded where that is known, else of sizes from a seed made of the name.
    func pieces(_ cut: Cut) -> [ByteBuffer] {
        var rest = ByteBuffer(bytes: self.frames ?? self.reply)
        var pieces: [ByteBuffer] = []
        var sizes = self.chunkSizes[...]
        var random = NameGenerator(self.name)
        while rest.readableBytes > 0 {
            let wish =
                switch cut {
                case .whole: rest.readableBytes
                case .bytes: 1
                case .random: sizes.popFirst() ?? Int.random(in: 1...300, using: &random)
                }
            guard let piece = rest.readSlice(length: max(1, min(wish, rest.readableBytes))) else { break }
            pieces.append(piece)
        }
        return pieces
    }
}

/// All recordings beside the checkout.
enum Recordings {
    static let root: String = {
        if let given = ProcessInfo.processInfo.environment["NEEDLETAIL_SHARED"] { return given + "/fixtures" }
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return checkout.deletingLastPathComponent().appendingPathComponent("shared/fixtures").path
    }()

    static var areThere: Bool { FileManager.default.fileExists(atPath: self.root) }

    /// Every folder `provider/surface`.
    static let folders: [String] = names(in: root).flatMap { provider in
        names(in: "\(root)/\(provider)").filter { !$0.contains(".") }.map { "\(provider)/\($0)" }
    }

    /// The folders with at least one chat.
    static let chatFolders: [String] = folders.filter { folder in
        switch RecordedSurface.of(folder) {
        case .chat: true
        case .mixed: cases(folder).contains { $0.dialect != nil }
        default: false
        }
    }

    static func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    static func cases(_ folder: String) -> [Recording] {
        self.names(in: "\(self.root)/\(folder)").compactMap { Recording(root: self.root, folder: folder, name: $0) }
    }
}

/// SplitMix64, seeded with a name.
struct NameGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ name: String) {
        // FNV-1a.
        self.state = name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
