import NeedletailCore

extension MasterKeySource {
    /// No key is longer, whatever stands around it.
    private static let sizeLimit = 4_096

    /// Fetches the key. Blocks while a program runs, which has ten seconds.
    func read(_ environment: [String: String], _ files: ConfigurationFiles) throws(NeedletailError) -> MasterKey {
        switch self {
        case .environment(let name):
            guard let text = environment[name], !text.isEmpty else {
                throw NeedletailError(
                    .invalidRequest, "The vault's master key is not there: set \(name), and \(MasterKey.remedy).")
            }
            return try self.named { () throws(NeedletailError) in try MasterKey(text: text) }
        case .file(let path):
            let text: String
            do { text = try files.read(path, Self.sizeLimit) } catch {
                throw NeedletailError(
                    .invalidRequest, "The vault's master key cannot be read from '\(path)': \(error.problem).")
            }
            return try self.named { () throws(NeedletailError) in try MasterKey(text: text) }
        case .command(let words):
            let text = try MasterKeyCommand(words, environment: environment).output(limit: Self.sizeLimit)
            return try self.named { () throws(NeedletailError) in try MasterKey(text: text) }
        }
    }

    /// Says of which source a key is none.
    private func named(_ body: () throws(NeedletailError) -> MasterKey) throws(NeedletailError) -> MasterKey {
        do throws(NeedletailError) { return try body() } catch {
            throw NeedletailError(error.code, "\(error.message.dropLast()) (it comes from \(self.description)).")
        }
    }
}
