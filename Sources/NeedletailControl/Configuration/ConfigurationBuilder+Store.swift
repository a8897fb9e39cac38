import Foundation

extension ConfigurationBuilder {
    /// Reads `store:`.
    ///
    /// - Parameter isUsed: Whether anything that is configured has something to keep.
    mutating func store(_ node: ConfigurationNode?, isUsed: Bool) -> StoreConfiguration {
        var store = StoreConfiguration()
        guard let node else {
            // A configuration that is no file has no folder to keep a file in.
            // What is there already, for example keys that were made before the first start, is used.
            let path = self.secrets.path(StoreConfiguration.defaultFile)
            if self.isOnDisk, isUsed || FileManager.default.fileExists(atPath: path) {
                store.path = self.secrets.path(StoreConfiguration.defaultFile)
            }
            return store
        }
        if let word = node.scalar?.text {
            guard word == "on" || word == "true" else { return store }
            store.path = self.secrets.path(StoreConfiguration.defaultFile)
        } else {
            let path = node.text("path") ?? StoreConfiguration.defaultFile
            guard path != "off" else { return store }
            store.path = self.secrets.path(path)
            if let interval = node.duration("flush_interval") { store.flushInterval = interval }
            if let limit = node.int("buffer") { store.bufferLimit = limit }
            store.ledgerRetention = node.duration("ledger_retention")
        }
        store.isRequired = true
        return store
    }
}
