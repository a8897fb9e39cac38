import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore

/// `needletail explain`: what would become of a request, without asking any provider.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say where a request would go, and why: rules, candidates, scores, order. No provider is called.",
        discussion: """
            REQUEST is a file with what a client would send, in any dialect; - is standard input. Without --config a \
            running gateway is asked, which knows what is open, limited and slow now.
            """
    )

    @Argument(help: "A file with the request, or -.")
    var request: String
    @Option(name: [.customShort("c"), .long], help: "Explain to this configuration file, as if it had just started.")
    var config: String?
    @Option(name: [.customLong("admin"), .customLong("url")], help: "The running gateway's admin listener.")
    var admin: String?
    @Option(help: "chat, messages, responses, gemini …, or a path; guessed from the request when left out.")
    var surface: String?
    @Option(name: [.customShort("m"), .long], help: "The model, for a surface that has it in its path.")
    var model: String?
    @Option(help: "The name of the client key.")
    var key: String?
    @Option(help: "The tenant.")
    var tenant: String?
    @Option(help: "A client header that rules look at, as name: value; may be repeated.")
    var header: [String] = []
    @Flag(help: "Print the answer as JSON.")
    var json = false

    @concurrent
    func run() async throws {
        let client = try AdminOptions.body(self.request == "-" ? "-" : "@" + self.request, "explain")
        let body = try self.body(client)
        do throws(NeedletailError) {
            let answer: JSONView
            if let config = self.config {
                let text = try Self.tool(config).explain(body)
                do { answer = try JSONDocument(text.bytes).root } catch {
                    throw NeedletailError(.internalFailure, "What was explained is not JSON: \(error)")
                }
            } else {
                var options = AdminOptions()
                options.admin = self.admin
                guard let told = try await options.client().call("POST", "/explain", body: body) else { return }
                answer = told
            }
            StandardStreams.output(self.json ? answer.text.description : Self.text(answer))
        } catch {
            throw CommandFailure("needletail explain: \(error.message)")
        }
    }

    private static func tool(_ config: String) throws(NeedletailError) -> ExplainTool {
        let environment = ProcessInfo.processInfo.environment
        // Nobody is called, so keys need not be there.
        let loader = ConfigurationLoader(
            types: .version, environment: environment, missingSecret: "not-set-for-explaining")
        do {
            return ExplainTool(try loader.load(file: config), environment: environment)
        } catch {
            throw NeedletailError(.invalidRequest, Failures.text(error))
        }
    }

    private func body(_ client: JSONText) throws -> JSONText {
        var json = JSONWriter()
        json.beginObject()
        json.member("request", client)
        for (name, value) in [("surface", self.surface), ("model", self.model), ("key", self.key)] {
            guard let value else { continue }
            json.key(name)
            json.string(value)
        }
        if let tenant = self.tenant { json.member("tenant", tenant) }
        if !self.header.isEmpty {
            json.key("headers")
            json.beginObject()
            for header in self.header {
                let parts = header.split(separator: ":", maxSplits: 1)
                guard parts.count == 2 else { throw ValidationError("Write a header as name: value.") }
                json.key(String(parts[0]))
                json.string(parts[1].trimmingCharacters(in: .whitespaces))
            }
            json.endObject()
        }
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }

    private static func text(_ answer: JSONView) -> String {
        var lines: [String] = []
        for rule in answer["rules"]?.elements.map({ $0 }) ?? [] {
            let arm = rule.present("arm")?.string.map { ", arm \($0)" } ?? ""
            lines.append(
                "\(rule["kind"]?.string ?? "rule") \(rule["name"]?.string ?? ""): \(rule["reason"]?.string ?? "")\(arm)"
            )
        }
        if let tier = answer.present("tier") {
            lines.append("tier \(tier["answering"]?.string ?? ""), score \(tier["score"]?.double ?? 0)")
        }
        if let destination = answer.present("destination")?.string { lines.append("to \(destination)") }
        let candidates = answer["candidates"]?.elements.map { $0 } ?? []
        if !candidates.isEmpty {
            var table = TextTable(["place", "target", "why not", "score", "breaker", "health", "in flight", "cost USD"])
            let ordered = candidates.sorted {
                ($0.present("place")?.int ?? .max) < ($1.present("place")?.int ?? .max)
            }
            for candidate in ordered {
                let wait = candidate.present("seconds_until_free")?.double.map { " \($0) s" } ?? ""
                table.add([
                    candidate.present("place")?.int.map(String.init) ?? "-", candidate["target"]?.string ?? "",
                    (candidate.present("reason")?.string ?? "") + wait,
                    candidate.present("score")?["value"]?.double.map { "\($0)" } ?? "",
                    candidate["breaker"]?["state"]?.string ?? "",
                    candidate["health"]?.double.map { "\($0)" } ?? "", "\(candidate["in_flight"]?.int ?? 0)",
                    candidate.present("estimated_cost_usd")?.string ?? "",
                ])
            }
            lines.append(table.text)
            lines.append("at most \(answer["max_attempts"]?.int ?? 0) calls")
            if let stream = answer.present("mid_stream"), let policy = stream["policy"]?.string {
                let reason = stream.present("because")?.string.map { " (\($0.replacing("_", with: " ")))" } ?? ""
                lines.append("a stream that breaks: \(policy)\(reason)")
            }
        }
        if answer["waits"]?.bool == true { lines.append("it would wait for its turn") }
        if let failure = answer.present("failure") {
            lines.append("refused with \(failure["status"]?.int ?? 0): \(failure["message"]?.string ?? "")")
        }
        return lines.joined(separator: "\n")
    }
}
