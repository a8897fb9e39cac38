import Foundation
import NeedletailCore
import NeedletailStore

extension SQLiteStore {
    /// Opens a store to write; one that is not there yet is made for this user alone: it tells who asked for what.
    static func writable(_ path: String, isChecked: Bool = true) throws(NeedletailError) -> SQLiteStore {
        if !FileManager.default.fileExists(atPath: path) {
            // An empty file is an empty database. Where it cannot be made the store says why.
            _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        return try SQLiteStore(path: path, isChecked: isChecked)
    }
}
