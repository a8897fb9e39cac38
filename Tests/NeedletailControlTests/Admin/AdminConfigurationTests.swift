import Testing

@testable import NeedletailControl

@Suite("Admin API: configuration")
struct AdminConfigurationTests {
    private static let provider = "providers: { m: { type: mock } }\n"
    private static let environment = [
        "ADMIN_KEY": "a-long-and-random-admin-key", "OPS_KEY": "a-long-and-random-operator-key", "SHORT": "abc",
    ]

    @Test("keys are read with their roles; one that is off is not")
    func keys() throws {
        let configuration = try Fixture.load(
            Self.provider + """
                listen: { admin: "0.0.0.0:4004" }
                admin:
                  key: { env: ADMIN_KEY }
                  keys:
                    - { name: ops, key: { env: OPS_KEY }, role: operator }
                    - { name: old, key: { env: GONE }, role: auditor, enabled: false }
                  open: [health, metrics]
                """, environment: Self.environment)
        #expect(configuration.warnings.isEmpty, "\(configuration.warnings)")
        let keys = configuration.admin.keys
        #expect(keys.map(\.name) == ["admin", "ops"] && keys.map(\.role) == [.admin, .operator])
        #expect(keys.map(\.secret.exposed) == [Self.environment["ADMIN_KEY"], Self.environment["OPS_KEY"]])
        #expect(configuration.admin.open == [.health, .metrics])
    }

    @Test(
        "what cannot be is a fault with its place and what to write",
        arguments: [
            ("listen: { admin: \"0.0.0.0:4004\" }", "f.yaml:2:18: ", "there is no admin key"),
            ("admin: { keys: [ { name: a, role: admin } ] }", "f.yaml:2:18: ", "this admin key has no 'key'"),
            ("admin: { keys: [ { name: a, key: { env: ADMIN_KEY } } ] }", "f.yaml:2:18: ", "has no 'role'"),
            (
                "admin: { keys: [ { name: a, key: { env: ADMIN_KEY }, role: oprator } ] }", "f.yaml:2:",
                "did you mean 'operator'?"
            ),
            (
                "admin: { key: { env: ADMIN_KEY }, keys: [ { name: b, key: { env: ADMIN_KEY }, role: admin } ] }",
                "f.yaml:2:", "have the same secret"
            ),
            (
                "admin: { key: { env: ADMIN_KEY }, keys: [ { name: admin, key: { env: OPS_KEY }, role: admin } ] }",
                "f.yaml:2:", "there are two admin keys named 'admin'"
            ),
            ("admin: { key: { env: NONE } }", "f.yaml:2:", "NONE for the admin key 'admin' is not set"),
            ("admin: { open: [everything] }", "f.yaml:2:", "has no value 'everything'"),
            ("admin: { kay: x }", "f.yaml:2:", "did you mean 'key'?"),
        ])
    func faults(text: String, place: String, problem: String) {
        let faults = Fixture.faults(Self.provider + text, environment: Self.environment)
        #expect(faults.contains { $0.hasPrefix(place) && $0.contains(problem) }, "\(faults)")
    }

    @Test("a key that can be guessed is warned about")
    func short() throws {
        let configuration = try Fixture.load(
            Self.provider + "admin: { key: { env: SHORT } }", environment: Self.environment)
        #expect(configuration.warnings.map(\.problem) == ["the admin key 'admin' is short enough to be guessed"])
    }

    @Test("an option may not open the listener either")
    func option() {
        #expect(throws: ConfigurationError.self) {
            try Fixture.loader([:]).load(
                text: Self.provider, named: "f.yaml", overrides: .init(admin: "0.0.0.0:4004"))
        }
    }
}
