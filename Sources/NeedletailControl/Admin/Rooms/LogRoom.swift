import Logging
import NIOHTTP1
import NeedletailCore

/// The levels of the log, which may be changed while the gateway runs; a restart and a reload with
/// other ones set them as configured.
struct LogRoom: AdminRoom {
    let title = "Log"
    let levels: LogLevels

    private static let words = Logger.Level.allCases.map(\.rawValue)

    var routes: [AdminRoute] {
        let levels = self.levels
        return [
            AdminRoute(.GET, "/log/levels", .read, "The levels of the log.") { _ in Self.show(levels) },
            AdminRoute(
                .PATCH, "/log/levels", .operate,
                "Changes the level of everything, or with 'module' that of one; 'inherit' lets it follow the others.",
                body: .fields([
                    AdminField(
                        "level", .word(Self.words + ["inherit"]), "The lowest level that is logged.", isRequired: true),
                    AdminField("module", .word(LogLevels.modules), "The module; everything when left out."),
                ])
            ) { request throws(AdminError) in
                let word = request.body?["level"]?.string ?? ""
                let module = request.body?["module"]?.string
                guard word != "inherit" || module != nil else {
                    throw AdminError(400, "invalid_request", "Only a module can inherit its level.")
                }
                levels.set(Logger.Level(rawValue: word), of: module)
                return Self.show(levels)
            },
        ]
    }

    private static func show(_ levels: LogLevels) -> AdminReply {
        let (base, modules) = levels.snapshot
        return .object { json in
            json.member("level", base.rawValue)
            json.key("modules")
            json.beginObject()
            for name in LogLevels.modules {
                guard let level = modules[name] else { continue }
                json.key(name)
                json.string(level.rawValue)
            }
            json.endObject()
        }
    }
}
