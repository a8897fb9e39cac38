import Foundation

/// Reads the files that a configuration names. Tests put a dictionary in its place.
public struct ConfigurationFiles: Sendable {
    /// Why a file cannot be had.
    public enum Failure: Error, Sendable, Hashable {
        /// There is none.
        case missing
        /// It may not be read, or is a folder.
        case unreadable
        /// It is larger than was asked for.
        case tooLarge
        /// It is not UTF-8.
        case notText
    }

    /// The text at a path, of at most so many bytes.
    public var read: @Sendable (_ path: String, _ limit: Int) throws(Failure) -> String

    /// Creates an access from its function.
    public init(read: @escaping @Sendable (_ path: String, _ limit: Int) throws(Failure) -> String) {
        self.read = read
    }

    /// The machine's files.
    public static let live = ConfigurationFiles { path, limit throws(Failure) in
        guard FileManager.default.fileExists(atPath: path) else { throw .missing }
        guard let handle = FileHandle(forReadingAtPath: path) else { throw .unreadable }
        defer { try? handle.close() }
        var data = Data()
        do {
            while data.count <= limit, let chunk = try handle.read(upToCount: 65_536), !chunk.isEmpty {
                data.append(chunk)
            }
        } catch {
            throw .unreadable
        }
        guard data.count <= limit else { throw .tooLarge }
        guard let text = String(data: data, encoding: .utf8) else { throw .notText }
        return text
    }
}

extension ConfigurationFiles.Failure {
    /// What is wrong, for people.
    var problem: String {
        switch self {
        case .missing: "there is no such file"
        case .unreadable: "the file cannot be read"
        case .tooLarge: "the file is too large"
        case .notText: "the file is not UTF-8 text"
        }
    }
}
