import Foundation
import HTTPTypes
import Logging
import NIOPosix
import NeedletailCore
import NeedletailProviders
import Testing

@testable import NeedletailControl

/// Holds the documents to the code.
@Suite("Documentation")
struct DocumentationTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The cells of every table row of a document.
    private static func rows(_ name: String) throws -> [[String]] {
        let text = try String(contentsOf: Self.root.appending(path: name), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
            line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces).replacing("`", with: "") }
        }
    }

    @Test("docs/configuration.md has every key of the schema, no other, and says what is enforced")
    func configuration() throws {
        let keys = try Self.rows("docs/configuration.md").filter { $0.count == 5 && $0[0] != "key" }
        let documented = keys.map { $0[0] }
        #expect(documented.count == Set(documented).count, "a key is there twice")
        #expect(Set(documented).subtracting(ConfigurationSchema.paths) == [])
        #expect(Set(ConfigurationSchema.paths).subtracting(documented) == [])
        for row in keys {
            let enforced = ConfigurationSchema.isAccepted(row[0]) ? "accepted" : "yes"
            #expect(row[4] == enforced, "\(row[0])")
        }
    }

    @Test("docs/configuration.md's examples can be used")
    func examples() throws {
        let text = try String(contentsOf: Self.root.appending(path: "docs/configuration.md"), encoding: .utf8)
        let blocks = text.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        #expect(!blocks.isEmpty)
        for block in blocks {
            let usable = block.replacing("/run/secrets/anthropic", with: "/etc/key")
            #expect(try Fixture.load(usable).warnings.isEmpty)
        }
    }

    @Test("docs/errors.md has the disposition of every code")
    func errors() throws {
        let rows = try Self.rows("docs/errors.md").filter { $0.count == 10 && $0[0] != "code" }
        #expect(Set(rows.map { $0[0] }) == Set(NeedletailError.Code.allCases.map(\.description)))
        #expect(rows.count == NeedletailError.Code.allCases.count)
        for code in NeedletailError.Code.allCases {
            let row = try #require(rows.first { $0[0] == code.description })
            let disposition = NeedletailError(code, "").disposition
            let expected = [
                "\(disposition.retry)", disposition.blamesTarget ? "yes" : "no", "\(disposition.status)",
                disposition.openAIType, disposition.openAICode ?? "—", disposition.anthropicType,
                "\(disposition.anthropicStatus)", disposition.showsUpstreamDetail ? "yes" : "no",
            ]
            #expect(Array(row.dropFirst(2)) == expected, "\(code)")
        }
    }

    @Test("README names the scripts, the port and the documents, and they are there")
    func readme() throws {
        let text = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        #expect(text.contains("curl http://127.0.0.1:4003/v1/chat/completions"))
        for path in [
            "Scripts/run", "Scripts/test", "Scripts/lint", "docs/configuration.md", "docs/errors.md", "docs/library.md",
        ] {
            #expect(text.contains(path), "\(path)")
            #expect(FileManager.default.fileExists(atPath: Self.root.appending(path: path).path()), "\(path)")
        }
    }

    /// Every document there is.
    private static let documents: [String] = {
        let names = try? FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "docs").path())
        return (names ?? []).filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
    }()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    @Test("docs/providers.md has every type of the catalogue as it is")
    func providers() throws {
        let rows = try Self.rows("docs/providers.md").filter { $0.count == 7 && $0[0] != "type" }
        #expect(rows.map { $0[0] } == ProviderSpec.all.map(\.type))
        for (row, spec) in zip(rows, ProviderSpec.all) {
            let key =
                switch spec.auth {
                case .none: "—"
                case .bearer: "authorization: Bearer"
                case .header(let name): name.canonicalName
                }
            let expected = [
                spec.type,
                spec.dialects.map(\.rawValue).joined(separator: ", "),
                spec.isMock ? "in the process" : spec.baseURL ?? "—",
                key,
                Self.list(spec.keyVariables + spec.baseURLVariables),
                spec.requiresKey ? "yes" : "no",
                spec.modelPrefixes.isEmpty ? "—" : spec.modelPrefixes.joined(separator: " "),
            ]
            #expect(row == expected)
        }
    }

    @Test("docs/providers.md has every setting of every type")
    func settings() throws {
        let rows = try Self.rows("docs/providers.md").filter { $0.count == 5 && $0[0] != "type" }
        let expected = ProviderSpec.all.flatMap { spec in
            spec.settings.map { setting in
                [
                    spec.type, setting.name, Self.list(setting.variables), setting.fallback ?? "—",
                    setting.isRequired ? "yes" : "no",
                ]
            }
        }
        #expect(rows == expected)
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "—" : names.joined(separator: ", ")
    }

    @Test("docs/admin.md has every route with what it needs, and every role with what it may do")
    func administration() throws {
        let rows = try Self.rows("docs/admin.md")
        let routes = rows.filter { $0.count == 4 && $0[0] != "method" }
        let rooms = try GatewayProcess(
            Fixture.load("providers: { m: { type: mock } }"),
            .init(environment: [:], group: .singleton, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        ).rooms
        let expected = (rooms + [OpenAPIRoom(rooms)]).flatMap(\.routes).map { route in
            [
                "\(route.method)", route.path.description, route.permission.rawValue,
                route.summary.replacing("`", with: ""),
            ]
        }
        #expect(routes == expected)
        let roles = rows.filter { $0.count == 7 }
        #expect(roles.first == ["role"] + AdminPermission.allCases.map(\.rawValue))
        #expect(
            roles.dropFirst().map { $0 }
                == AdminRole.allCases.map { role in
                    [role.rawValue] + AdminPermission.allCases.map { role.permissions.contains($0) ? "yes" : "no" }
                })
    }

    @Test("docs/library.md's code is the examples' own, and each closes what it opens")
    func library() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appending(path: "Examples").path(percentEncoded: false))
        var example: Set<String> = []
        for folder in folders {
            let text = try Self.text("Examples/\(folder)/main.swift")
            #expect(text.contains("await client.close()"), "\(folder) leaves its client open")
            #expect(try Self.text("Package.swift").contains("\"Examples/\(folder)\""), "\(folder) is not built")
            #expect(try Self.text("docs/library.md").contains("Examples/\(folder)/main.swift"), "\(folder)")
            example.formUnion(text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) })
        }
        let blocks = try Self.text("docs/library.md").components(separatedBy: "```swift\n").dropFirst()
            .map { $0.components(separatedBy: "```")[0] }
        #expect(blocks.count >= 4)
        for line in blocks.joined().split(separator: "\n").map({ $0.trimmingCharacters(in: .whitespaces) }) {
            #expect(line.isEmpty || example.contains(line), "not in the example: \(line)")
        }
    }

    @Test("the library's DocC catalogue links to symbols that are there, and its code is the examples' own")
    func catalogue() throws {
        let folder = Self.root.appending(path: "Sources/Needletail")
        let sources = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
            .filter { $0.hasSuffix(".swift") }.map { try Self.text("Sources/Needletail/\($0)") }.joined()
        let declared = Set(
            sources.matches(of: /\npublic (?:final )?(?:struct|class|enum|protocol) (\w+)/).map { String($0.output.1) })
        let example = Set(
            try Self.text("Examples/Failover/main.swift").split(separator: "\n")
                .map { $0.trimmingCharacters(in: .whitespaces) })
        var linked: Set<String> = []
        for name in ["Needletail", "Failover"] {
            let text = try Self.text("Sources/Needletail/Needletail.docc/\(name).md")
            let symbols = text.matches(of: /``(\w[\w\/]*)``[^`]/).map { String($0.output.1) }
            for symbol in symbols { #expect(declared.contains(symbol) || symbol == "Needletail", "\(symbol)") }
            linked.formUnion(symbols)
            for page in text.matches(of: /<doc:(\w+)>/).map(\.output.1) {
                #expect(
                    FileManager.default.fileExists(atPath: folder.appending(path: "Needletail.docc/\(page).md").path()))
            }
            for block in text.components(separatedBy: "```swift\n").dropFirst().map({
                $0.components(separatedBy: "```")[0]
            })
            where name == "Failover" {
                for line in block.split(separator: "\n").map({ $0.trimmingCharacters(in: .whitespaces) }) {
                    #expect(line.isEmpty || example.contains(line), "not in the example: \(line)")
                }
            }
        }
        #expect(linked.isSuperset(of: declared), "not in the catalogue: \(declared.subtracting(linked).sorted())")
    }

    @Test(
        "every link between the documents leads somewhere",
        arguments: ["README.md", "CONTRIBUTING.md"] + Self.documents)
    func links(_ path: String) throws {
        let folder = Self.root.appending(path: path).deletingLastPathComponent()
        for link in try Self.text(path).matches(of: /\]\(([^)#:]+)(#[^)]*)?\)/).map(\.output.1) {
            let target = folder.appending(path: String(link)).standardizedFileURL.path()
            #expect(FileManager.default.fileExists(atPath: target), "\(path) links to \(link)")
        }
        // A heading as GitHub makes an anchor of it.
        for match in try Self.text(path).matches(of: /\]\(([^)#:]*)#([^)]+)\)/) {
            let file =
                match.output.1.isEmpty
                ? path : "docs/\(match.output.1)".replacing("docs/../", with: "").replacing("docs/docs/", with: "docs/")
            guard file.hasSuffix(".md") else { continue }
            let anchors = try Self.text(file).split(separator: "\n").filter { $0.hasPrefix("#") }.map { line in
                String(
                    line.drop { $0 == "#" || $0 == " " }.lowercased().filter {
                        $0.isLetter || $0.isNumber || " -_".contains($0)
                    }
                )
                .replacing(" ", with: "-")
            }
            #expect(anchors.contains(String(match.output.2)), "\(path) links to \(file)#\(match.output.2)")
        }
    }

    @Test("every built-in alert has its line and its runbook")
    func alerts() throws {
        let text = try Self.text("docs/alerts.md")
        for name in AlertRule.builtIn.map(\.name) + BurnWindow.all.map(\.name) {
            #expect(text.contains("| `\(name)` |") && text.contains("\n### \(name)\n"), "\(name)")
        }
    }
}
