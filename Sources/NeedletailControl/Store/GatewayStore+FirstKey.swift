import Logging
import NeedletailCore

extension GatewayStore {
    /// Reads the admin key that an earlier start made, or makes it and shows it, where the admin listener is open to other
    /// machines and nobody has said who may ask. What goes wrong lets nobody in.
    func makeFirstAdminKey(
        _ configuration: Configuration, isExposed: Bool, _ surroundings: GatewayProcess.Surroundings
    ) {
        guard isExposed, configuration.lacksAdminKey else { return }
        guard let file = self.file else {
            return surroundings.logger.error(
                "Nobody may ask the admin listener: no admin key is configured, and there is no store to keep one in.")
        }
        do throws(NeedletailError) {
            guard try !self.firstAdminKey.read(file), let show = surroundings.showOnce else { return }
            let made = try FirstAdminKey.makeFirst(
                in: file, random: surroundings.random, time: surroundings.time)
            try self.firstAdminKey.read(file)
            // Another gateway was first, and has shown it.
            guard let secret = made else { return }
            show("The admin key, shown this once: \(secret.exposed)")
            surroundings.logger.notice(
                "An admin key was made, as none is configured; `needletail keys admin` makes another.")
        } catch {
            surroundings.logger.error("Nobody may ask the admin listener: \(error.message)")
        }
    }
}

extension Configuration {
    /// Whether nobody has said who may ask the admin listener.
    var lacksAdminKey: Bool {
        self.admin.keys.isEmpty && !self.tokenIssuers.contains { $0.administrators != nil }
    }
}
