import CNeedletailDashboard
import Crypto
import NIOCore

/// The dashboard's files, which are part of the binary.
struct DashboardFiles: Sendable {
    /// One file as it is sent.
    final class File: Sendable {
        let body: ByteBuffer
        let contentType: String
        /// A digest of the content: browsers ask whether it is still the same.
        let etag: String

        init(_ name: String, _ bytes: some Sequence<UInt8>) {
            self.body = ByteBuffer(bytes: bytes)
            self.contentType =
                switch name.split(separator: ".").last {
                case "html": "text/html; charset=utf-8"
                case "css": "text/css; charset=utf-8"
                case "js": "text/javascript; charset=utf-8"
                case "svg": "image/svg+xml"
                default: "application/octet-stream"
                }
            let digest = SHA256.hash(data: Array(self.body.readableBytesView))
            self.etag =
                "\"" + digest.prefix(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "\""
        }
    }

    private let files: [String: File]

    /// Finds all of them; to be made once.
    init() {
        var files: [String: File] = [:]
        for index in 0..<needletail_dashboard_count() {
            let entry = unsafe needletail_dashboard_file_at(index)
            let name = unsafe String(cString: entry.name)
            files[name] = unsafe File(name, UnsafeBufferPointer(start: entry.bytes, count: entry.length))
        }
        self.files = files
    }

    /// The file at a path of the admin listener; `nil` if there is none.
    func file(at path: String) -> File? {
        if path == "/" { return self.files["index.html"] }
        guard path.hasPrefix(Self.root) else { return nil }
        return self.files[String(path.dropFirst(Self.root.count))]
    }

    /// How many bytes they are together.
    var size: Int { self.files.values.reduce(0) { $0 + $1.body.readableBytes } }

    /// Where the files stand.
    static let root = "/dashboard/"
}
