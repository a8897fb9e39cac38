import Foundation
import NIOCore
import NIOPosix
import NeedletailProviders
import NeedletailTesting
import Testing

/// The built binary as a person at a terminal meets it: exit status, messages, listeners, signals.
@Suite("Command line", .serialized, .timeLimit(.minutes(15)))
struct CommandLineTests {
    @Test(
        "help is there for every command",
        arguments: [
            [], ["serve"], ["check"], ["chat"], ["mock"], ["providers"], ["groups"], ["config"], ["reload"],
            ["providers", "drain"], ["breakers"],
        ])
    func help(_ command: [String]) async throws {
        let run = try await CommandRun.finished(command + ["--help"])
        #expect(run.status == 0)
        #expect(run.output.contains("USAGE: needletail"))
    }

    @Test(
        "wrong usage ends with 2 and says how it is right",
        arguments: [
            ["serve", "--nonsense"], ["chat"], ["chat", ""], ["chat", "--url", "nonsense", "hi"],
            ["mock", "--port", "99999"],
            ["mock", "--port", "x"], ["nonsense"], ["check", "a", "b"],
        ])
    func usage(_ arguments: [String]) async throws {
        let run = try await CommandRun.finished(arguments)
        #expect(run.status == 2, "\(arguments): \(run.errors)")
        #expect(run.errors.contains("Error:") && run.output.isEmpty, "\(run.errors)")
    }

    @Test("check says all that is wrong with its places, and ends with 1")
    func check() async throws {
        let folder = try TemporaryFolder()
        let good = try folder.write("good.yaml", "providers: { m: { type: mock } }\n")
        let bad = try folder.write(
            "bad.yaml", "providers:\n  a: { type: nonsense }\n  b: { type: mock, weigth: 1 }\nfoo: 1\n")
        let right = try await CommandRun.finished(["check", good])
        #expect(right.status == 0 && right.output.contains("good.yaml: ok: 1 provider (m)"), "\(right.output)")
        let wrong = try await CommandRun.finished(["check", bad])
        #expect(wrong.status == 1)
        for place in ["bad.yaml:2:14: ", "bad.yaml:3:20: ", "bad.yaml:4:1: "] {
            #expect(wrong.output.contains(place), "\(wrong.output)")
        }
        #expect(wrong.output.contains("did you mean 'weight'?"))
        #expect(wrong.errors.contains("3 faults"), "\(wrong.errors)")
        let missing = try await CommandRun.finished(["check", folder.path + "/none.yaml"])
        #expect(missing.status == 1 && missing.output.contains("none.yaml"), "\(missing.output)")
    }

    @Test("serve refuses a configuration that check refuses, and shows no secret")
    func badConfiguration() async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("f.yaml", "providers: { a: { type: openai, api_key: sk-very-secret, foo: 1 } }\n")
        let run = try await CommandRun.finished(["serve", "--config", file])
        #expect(run.status == 1)
        #expect(run.errors.contains("f.yaml:1:") && !(run.errors + run.output).contains("very-secret"), "\(run.errors)")
    }

    @Test("providers lists what is configured and which types there are, without keys")
    func providers() async throws {
        let run = try await CommandRun.finished(
            ["providers"], environment: ["OPENAI_API_KEY": "sk-very-secret", "VLLM_BASE_URL": "http://gpu:8000"])
        #expect(run.status == 0)
        let lines = run.output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("openai ") && $0.contains("https://api.openai.com/v1") }, "\(run.output)")
        #expect(lines.contains { $0.hasPrefix("vllm ") && $0.contains("http://gpu:8000") }, "\(run.output)")
        #expect(lines.contains { $0.hasPrefix("mock ") }, "\(run.output)")
        let types = try #require(lines.firstIndex(of: "types:"))
        let rows = lines[(types + 1)...].map { $0.split(separator: " ").map(String.init) }
        #expect(rows.map { $0.first } == ProviderSpec.all.map(\.type))
        #expect(rows.contains(["anthropic", "messages", "chat,countTokens,listModels"]), "\(run.output)")
        #expect(rows.contains(["cloudflare", "chat", "chat", "needs", "account_id"]), "\(run.output)")
        #expect(!run.output.contains("very-secret"))
    }

    @Test("a start with nothing configured says where it listens and what it has, and answers")
    func zeroConfiguration() async throws {
        let gateway = try await CommandRun.started(["serve", "--api", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
        let lines = try await gateway.lines(until: { $0.hasPrefix("provider ") })
        #expect(lines.contains { $0.hasPrefix("admin  http://127.0.0.1:") })
        #expect(lines.last == "provider mock (mock)")
        let api = try #require(lines.first { $0.hasPrefix("api    http://127.0.0.1:") }?.dropFirst(7))
        let chat = try await CommandRun.finished(["chat", "--url", String(api), "-m", "any", "Hello"])
        #expect(chat.status == 0 && chat.output.count > 2, "\(chat.errors)")
        // The address is taken now.
        let second = try await CommandRun.finished(
            ["serve", "--api", String(api.dropFirst(7)), "--admin", "127.0.0.1:0"])
        #expect(second.status == 1)
        #expect(second.errors.contains(api.dropFirst(7)), "\(second.errors)")
        // Nothing runs, so the end comes before the drain's limit, at which it would end what still runs.
        #expect(try await gateway.stopped(by: SIGTERM) == 0)
        let log = gateway.restOfErrors()
        #expect(log.contains("Draining") && !log.contains("ending what still runs"), "\(log)")
        let after = try await CommandRun.finished(["chat", "--url", String(api), "-m", "any", "Hello"])
        #expect(after.status == 1 && after.errors.hasPrefix("needletail chat: "), "\(after.errors)")
    }

    @Test("what waits for the collector is sent when the gateway is told to stop")
    func lastSpans() async throws {
        let collector = try await LoopbackServer(on: MultiThreadedEventLoopGroup.singleton) { _ in
            .init(type: "application/json", "{}")
        }
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "f.yaml",
            """
            listen: { api: 127.0.0.1:0, admin: 127.0.0.1:0 }
            providers: { m: { type: mock, delay: 0s } }
            telemetry: { otlp: { endpoint: "\(collector.url)", interval: 1h } }
            """)
        let gateway = try await CommandRun.started(["serve", "--config", file])
        let lines = try await gateway.lines(until: { $0.hasPrefix("provider ") })
        let api = String(try #require(lines.first { $0.hasPrefix("api ") }?.dropFirst(7)))
        #expect(try await CommandRun.finished(["chat", "--url", api, "-m", "m/x", "Hello"]).status == 0)
        #expect(try await gateway.stopped(by: SIGTERM) == 0)
        for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
            #expect(collector.requests.contains { $0.hasPrefix("POST \(path) ") }, "\(path)")
        }
        await collector.stop()
    }

    @Test("a running gateway is administered from the command line, and SIGHUP lets it read its file again")
    func administration() async throws {
        let folder = try TemporaryFolder()
        func text(_ more: String) -> String {
            "listen: { api: 127.0.0.1:0, admin: 127.0.0.1:0 }\nadmin: { key: { env: ADMIN_KEY } }\n"
                + "providers:\n  m: { type: mock, delay: 0s }\n\(more)models:\n  chat: { targets: [m/x] }\n"
        }
        let file = try folder.write("f.yaml", text(""))
        let key = ["ADMIN_KEY": "a-long-and-random-key"]
        let gateway = try await CommandRun.started(["serve", "--config", file], environment: key)
        let lines = try await gateway.lines(until: { $0.hasPrefix("provider ") })
        let admin = String(try #require(lines.first { $0.hasPrefix("admin ") }?.dropFirst(7)))
        func run(_ arguments: String..., key: String = "a-long-and-random-key") async throws -> CommandRun.Result {
            try await CommandRun.finished(
                arguments + ["--admin", admin], environment: ["NEEDLETAIL_ADMIN_KEY": key])
        }
        let wrong = try await run("providers", "live", key: "wrong")
        #expect(wrong.status == 1 && wrong.errors.contains("NEEDLETAIL_ADMIN_KEY"), "\(wrong)")
        let made = try await run("providers", "register", "new", #"{"type":"mock","delay":"0s"}"#)
        #expect(made.status == 0 && made.output == "new: active, 0 in flight\n", "\(made)")
        let list = try await run("providers", "live")
        let rows = list.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.map { $0.first } == ["NAME", "m", "new"] && !list.output.contains("\u{1B}"), "\(list)")
        let json = try await run("groups", "set", "chat", #"{"targets":["m/x","new/y"]}"#, "--json")
        #expect(json.status == 0 && json.output.hasPrefix(#"{"name":"chat","enabled":true"#), "\(json)")
        let weights = try await run("groups", "weights", "chat", "new/y=3")
        #expect(weights.output.hasSuffix("m/x, new/y x3\n"), "\(weights)")
        #expect(try await run("groups", "weights", "chat", "new/y=three").status == 2)
        let forced = try await run("breakers", "open", "m/x")
        #expect(forced.output.contains("forced_open"), "\(forced)")
        #expect(try await run("breakers", "release", "m").output.contains("closed"))
        let unknown = try await run("groups", "show", "caht")
        #expect(unknown.status == 1 && unknown.errors.contains("Did you mean 'chat'?"), "\(unknown)")
        let needed = try await run("providers", "deregister", "new")
        #expect(needed.status == 1 && needed.errors.contains("names no provider"), "\(needed)")
        #expect(try await run("providers", "drain", "new").output == "drained\n")
        // The file: read again by command, refused with its faults, read again by signal.
        _ = try folder.write("f.yaml", text("  more: { type: nonsense }\n"))
        let refused = try await run("reload")
        #expect(refused.status == 1 && refused.errors.contains("f.yaml:5:17: "), "\(refused)")
        #expect(try await run("config", "status").output.contains("not taken"))
        _ = try folder.write("f.yaml", text("  more: { type: mock }\n"))
        gateway.signal(SIGHUP)
        _ = try await gateway.errorLines(until: { $0.contains("A new configuration serves.") })
        #expect(try await run("providers", "live").output.contains("more"))
        let reverted = try await run("config", "revert")
        #expect(reverted.status == 0 && !reverted.output.contains("changed  "), "\(reverted)")
        #expect(try await run("config", "show").output.contains(#""chat":{"targets":["m/x"]}"#))
        #expect(try await gateway.stopped(by: SIGTERM) == 0)
        let nobody = try await run("reload")
        #expect(nobody.status == 1 && nobody.errors.contains("Nobody answers at"), "\(nobody)")
    }

    @Test("a signal drains, a second one does not wait")
    func twoSignals() async throws {
        // An upstream that takes requests and says nothing.
        let asked = AsyncStream.makeStream(of: Void.self)
        let upstream = try await LoopbackServer(on: MultiThreadedEventLoopGroup.singleton) { request in
            if request.hasPrefix("POST") { asked.continuation.yield() }
            return .init(bytes: ByteBuffer())
        }
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "f.yaml",
            "listen: { api: 127.0.0.1:0, admin: 127.0.0.1:0 }\n"
                + "providers: { m: { type: openai-compatible, base_url: \"\(upstream.url)\" } }\n")
        let gateway = try await CommandRun.started(["serve", "--config", file])
        let lines = try await gateway.lines(until: { $0.hasPrefix("provider ") })
        let api = try #require(lines.first { $0.hasPrefix("api ") }?.dropFirst(7))
        let client = try await CommandRun.started(["chat", "--url", String(api), "-m", "m/any", "Hello"])
        var requests = asked.stream.makeAsyncIterator()
        _ = await requests.next()
        gateway.signal(SIGTERM)
        _ = try await gateway.errorLines(until: { $0.contains("Draining") })
        #expect(gateway.isRunning)
        // A drain that goes on to its limit ends with 0.
        #expect(try await gateway.stopped(by: SIGTERM) == 1)
        _ = try await client.stopped(by: SIGKILL)
        await upstream.stop()
    }

    #if os(Linux)
    @Test("the event loops have the priority that the process was given")
    func priority() async throws {
        let gateway = try await CommandRun.started(
            ["serve", "--api", "127.0.0.1:0", "--admin", "127.0.0.1:0"], niceness: 5)
        _ = try await gateway.lines(until: { $0.hasPrefix("provider ") })
        let given = gateway.niceness
        #expect(given > 0)
        // Each loop takes it in its first turn.
        while try gateway.niceness(ofThreads: "NIO-ELT").contains(where: { $0 != given }) { await Task.yield() }
        #expect(try !gateway.niceness(ofThreads: "NIO-ELT").isEmpty)
        #expect(try await gateway.stopped(by: SIGTERM) == 0)
    }
    #endif

    @Test("chat answers from this process, by argument and by standard input")
    func chat() async throws {
        let run = try await CommandRun.finished(["chat", "Hello"])
        #expect(run.status == 0 && run.output.count > 2, "\(run.errors)")
        let unknown = try await CommandRun.finished(
            ["chat", "-m", "nonsense", "Hello"],
            environment: ["OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:9"]
        )
        #expect(unknown.status == 1 && unknown.errors.contains("'nonsense'"), "\(unknown.errors)")
    }

    @Test("the mock says where it listens and ends with 0; a script that is none ends with 1")
    func mock() async throws {
        let mock = try await CommandRun.started(["mock", "--port", "0"])
        let lines = try await mock.lines(until: { $0.hasPrefix("mock ") })
        #expect(lines.last?.hasPrefix("mock   http://127.0.0.1:") == true)
        #expect(try await mock.stopped(by: SIGTERM) == 0)
        let folder = try TemporaryFolder()
        let script = try folder.write("s.yaml", "rulez: []\n")
        let bad = try await CommandRun.finished(["mock", "--port", "0", "--script", script])
        #expect(bad.status == 1 && bad.errors.contains("rulez"), "\(bad.errors)")
        let none = try await CommandRun.finished(["mock", "--port", "0", "--script", folder.path + "/none.yaml"])
        #expect(none.status == 1 && none.errors.contains("none.yaml"), "\(none.errors)")
    }
}
