import NIOHTTP1
import NeedletailCore

/// The configuration as a whole: what serves, what was last tried, and what lies on top of the file.
struct ConfigurationRoom: AdminRoom {
    let title = "Configuration"
    private let running: RunningConfiguration

    init(_ running: RunningConfiguration) {
        self.running = running
    }

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/config", .read, "What serves, what was last tried and why it was not taken, what is changed."
            ) { _ throws(AdminError) in self.status() },
            AdminRoute(
                .GET, "/config/effective", .read,
                "The configuration that serves, changes included, as written and without secrets."
            ) { _ throws(AdminError) in
                let current = self.running.current
                let shown = current.loaded.effective.shown(as: .section(ConfigurationSchema.root))
                return AdminReply(body: shown.bytes, etag: current.version)
            },
            AdminRoute(
                .POST, "/config/reload", .operate,
                "Reads the file again and lets it serve, whole or not at all (422 with all faults).",
                query: [
                    AdminField(
                        "overlay", .word(["keep", "drop"]),
                        "What becomes of changes made at run time; keep when left out.")
                ]
            ) { request throws(AdminError) in
                let attempt = try self.running.reload(
                    request.caller.name, keepsOverlay: request.query["overlay"] != "drop", condition: request.condition)
                guard attempt.faults.isEmpty else { throw .unusable(attempt.faults) }
                return self.status()
            },
            AdminRoute(
                .POST, "/config/check", .configure,
                "Checks a configuration's text as a reload would, and changes nothing.",
                body: .fields([AdminField("text", .text, "The file's text, YAML or JSON.", isRequired: true)])
            ) { request throws(AdminError) in self.check(request.body?["text"]?.string ?? "") },
            AdminRoute(
                .DELETE, "/config/overlay", .configure,
                "Returns everything that was changed at run time to what the file says."
            ) { request throws(AdminError) in
                _ = try self.running.change { overlay, current throws(AdminError) in
                    try request.condition.require("The configuration", current.version)
                    overlay = ConfigurationOverlay()
                }
                return self.status()
            },
            AdminRoute(
                .DELETE, "/config/overlay/{section}/{name}", .configure,
                "Returns one provider (`providers`) or group (`models`) to what the file says."
            ) { request throws(AdminError) in
                _ = try self.running.change { overlay, current throws(AdminError) in
                    let section = ConfigurationOverlay.Section(rawValue: request["section"])
                    let isDefault = section == .models && request["name"] == OverlaySubjects.defaultName
                    let subject = section.map { ConfigurationOverlay.Subject(section: $0, name: request["name"]) }
                    let other = ConfigurationOverlay.Subject(section: .default, name: "")
                    let found = [subject, isDefault ? other : nil].compactMap { $0 }.first {
                        overlay.changes[$0] != nil
                    }
                    guard let found else {
                        let name = "\(request["section"])/\(request["name"])"
                        throw .unknown("change of", name, among: overlay.subjects.map(\.description))
                    }
                    overlay.revert(found)
                }
                return self.status()
            },
        ]
    }

    private func status() -> AdminReply {
        let current = self.running.current
        return .object(etag: current.version) { json in
            json.member("running") { json in
                json.member("version", current.version.value)
                json.member("since", time: current.since)
                json.key("file")
                if let path = current.loaded.text.path { json.string(path) } else { json.null() }
                json.member("warnings", texts: current.configuration.warnings.map(\.description))
            }
            json.key("last_attempt")
            if let attempt = self.running.lastAttempt {
                json.beginObject()
                json.member("version", attempt.version?.value)
                json.member("at", time: attempt.time)
                json.member("trigger", attempt.trigger)
                json.member("taken", attempt.faults.isEmpty)
                json.member("faults", texts: attempt.faults)
                json.member("restart_needed", texts: attempt.restartNeeded)
                json.member("dropped_changes", texts: attempt.dropped)
                json.endObject()
            } else {
                json.null()
            }
            let overlay = current.loaded.overlay
            json.member("changes", objects: overlay.subjects) { json, subject in
                json.member("subject", subject.description)
                guard let change = overlay.changes[subject] else { return }
                json.member("effect", change.effect.name)
                json.member("by", change.author)
                json.member("at", time: change.time)
            }
        }
    }

    private func check(_ text: String) -> AdminReply {
        var (faults, warnings): ([ConfigurationFault], [ConfigurationFault]) = ([], [])
        do {
            warnings = try self.running.check(text).warnings
        } catch {
            (faults, warnings) = (error.faults, error.warnings)
        }
        return .object { json in
            json.member("ok", faults.isEmpty)
            json.member("faults", texts: faults.map(\.description))
            json.member("warnings", texts: warnings.map(\.description))
        }
    }
}
