import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Model names")
struct ModelDirectoryTests {
    private func directory(withDefault: Bool = true) -> ModelDirectory {
        let group = ModelDirectory.Group(router: ScriptedProvider("smart")) { model in
            model == "gpt-x" ? ScriptedProvider("smart-restricted") : nil
        }
        let directory = ModelDirectory(
            groups: ["smart": group, "or-main/shadowed": group],
            upstreams: [
                "oa-main": .init(
                    router: ScriptedProvider("oa-main"), models: ["gpt-x", "shared"], modelPrefixes: ["gpt-"]),
                "or-main": .init(router: ScriptedProvider("or-main"), models: ["shared"]),
                "an-main": .init(router: ScriptedProvider("an-main"), modelPrefixes: ["claude-"]),
            ],
            defaultGroup: withDefault ? ScriptedProvider("default") : nil
        )
        return directory
    }

    @Test(
        "a name leads where the contract says",
        arguments: [
            ("smart", "smart", "smart"),
            ("oa-main/anything/with/slashes", "oa-main", "anything/with/slashes"),
            ("or-main/shadowed", "smart", "or-main/shadowed"),
            ("smart/gpt-x", "smart-restricted", "gpt-x"),
            ("gpt-x", "oa-main", "gpt-x"),
            ("shared", "default", "shared"),
            ("claude-new", "an-main", "claude-new"),
            ("unheard-of", "default", "unheard-of"),
        ])
    func resolution(name: String, provider: String, model: String) throws {
        let destination = try self.directory().destination(of: name, allowed: nil)
        #expect(destination.provider.id.rawValue == provider)
        #expect(destination.model == model)
    }

    @Test("a live list decides, and replaces the guess by prefix")
    func live() throws {
        let directory = self.directory(withDefault: false)
        directory.setLiveModels([ListedModel(id: "claude-live", owner: "an-main")], of: "an-main")
        #expect(try directory.destination(of: "claude-live", allowed: nil).provider.id == "an-main")
        #expect(throws: NeedletailError.self) { try directory.destination(of: "claude-gone", allowed: nil) }
    }

    @Test("an unknown name is refused with the nearest ones that the key may use")
    func unknown() throws {
        let error = #expect(throws: NeedletailError.self) {
            try self.directory(withDefault: false).destination(of: "smrat", allowed: nil)
        }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("'smart'") == true)
        let narrow = #expect(throws: NeedletailError.self) {
            try self.directory(withDefault: false).destination(of: "smrat", allowed: ["smr*", "oa-*"])
        }
        #expect(narrow?.message.contains("smart") == false)
    }

    @Test("a key's globs decide what it may use")
    func allowed() throws {
        #expect(try self.directory().destination(of: "gpt-x", allowed: ["gpt-*"]).model == "gpt-x")
        let error = #expect(throws: NeedletailError.self) {
            try self.directory().destination(of: "smart", allowed: ["gpt-*"])
        }
        #expect(error?.code == .forbidden)
        #expect(self.directory().models(allowed: ["oa-main/*"]).map(\.id) == ["oa-main/gpt-x", "oa-main/shared"])
    }

    @Test("the mock answers every name only where it is alone")
    func mock() throws {
        let mock = ModelDirectory.Upstream(router: ScriptedProvider("mock"), answersAnyModel: true)
        let alone = ModelDirectory(groups: [:], upstreams: ["mock": mock], defaultGroup: nil)
        #expect(try alone.destination(of: "any", allowed: nil).provider.id == "mock")
        let real = ModelDirectory.Upstream(router: ScriptedProvider("real"), models: ["x"])
        let both = ModelDirectory(groups: [:], upstreams: ["mock": mock, "real": real], defaultGroup: nil)
        #expect(throws: NeedletailError.self) { try both.destination(of: "any", allowed: nil) }
    }

    @Test(
        "globs",
        arguments: [
            ("*", "anything", true), ("gpt-*", "gpt-4", true), ("gpt-*", "claude", false), ("gpt-4", "gpt-4", true),
            ("gpt-4", "gpt-4o", false), ("*mini", "gpt-4o-mini", true), ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false), ("a*a", "a", false), ("", "", true), ("", "x", false), ("**", "x", true),
            ("é*", "été", true), ("a*ab", "aab", true),
        ])
    func globs(pattern: String, name: String, matches: Bool) {
        #expect(ModelGlob(pattern).matches(name) == matches)
    }
}
