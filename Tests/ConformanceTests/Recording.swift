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
    var chunkSizes: [Int]
    var request: Data?
    var reply: Data
    var isStream: Bool
    /// The dialect of the reply; `nil` if it is no chat.
    var dialect: DialectID?

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
        self.chunkSizes = []
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
        self.status = meta["http_status"] as? Int ?? 200
        self.headers = meta["response_headers"] as? [String: String] ?? [:]
        self.chunkSizes = meta["network_chunk_sizes"] as? [Int] ?? []
        self.request = FileManager.default.contents(atPath: path + "request.json")
        let stream = FileManager.default.contents(atPath: path + "stream.sse")
        let whole = FileManager.default.contents(atPath: path + "response.json")
        guard let reply = stream ?? whole else { return nil }
        self.reply = reply
        self.isStream = stream != nil
        self.dialect = Self.dialect(of: reply, isStream: stream != nil, isError: self.status >= 300, folder: folder)
    }

    /// Told by the folder's name, which holds for errors too, else by what the reply looks like.
    private static func dialect(of reply: Data, isStream: Bool, isError: Bool, folder: String) -> DialectID? {
        if folder.hasSuffix("/chat") { return .openAIChat }
        if folder == "anthropic/messages" || folder.hasSuffix("/anthropic-messages") { return .anthropicMessages }
        guard !isError else { return nil }
        let objects = isStream ? ServerEvents(reply).objects : [JSON.object(reply) ?? [:]]
        for object in objects {
            if object["type"] as? String == "message_start" { return .anthropicMessages }
            if object["type"] as? String == "message", object["content"] is [Any] { return .anthropicMessages }
            for choice in object["choices"] as? [[String: Any]] ?? []
            where choice[isStream ? "delta" : "message"] is [String: Any] { return .openAIChat }
        }
        return nil
    }

    /// The reply in pieces; at random: as recorded where that is known, else of sizes from a seed made of the name.
    func pieces(_ cut: Cut) -> [ByteBuffer] {
        var rest = ByteBuffer(bytes: self.reply)
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
        names(in: "\(root)/\(provider)").map { "\(provider)/\($0)" }
    }

    /// The folders with at least one chat.
    static let chatFolders: [String] = folders.filter { cases($0).contains { $0.dialect != nil } }

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
