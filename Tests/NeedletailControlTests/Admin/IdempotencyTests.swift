import HTTPTypes
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailGateway
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("Admin API: idempotency keys")
struct IdempotencyTests {
    private static let start = Instant(nanoseconds: 0)

    private static func key(_ text: String, _ caller: String = "a") -> IdempotencyState.Key {
        IdempotencyState.Key(caller: caller, key: text)
    }

    private static func answer(_ text: String) -> EdgeResponse {
        EdgeResponse(status: 201, body: ByteBuffer(string: text))
    }

    private static func isRun(_ decision: IdempotencyState.Decision) -> Bool {
        if case .run = decision { true } else { false }
    }

    @Test("A call is made once for a day; another with its key is refused, and other callers' keys are others")
    func once() {
        var state = IdempotencyState()
        #expect(Self.isRun(state.begin(Self.key("k"), "one", now: Self.start)))
        guard case .busy = state.begin(Self.key("k"), "one", now: Self.start) else {
            return #expect(Bool(false), "it runs")
        }
        state.end(Self.key("k"), Self.answer("made"))
        guard case .replay(let response) = state.begin(Self.key("k"), "one", now: Self.start) else {
            return #expect(Bool(false), "it was answered")
        }
        #expect(String(buffer: response.body) == "made" && response.status == 201)
        guard case .other = state.begin(Self.key("k"), "two", now: Self.start) else {
            return #expect(Bool(false), "it is another call")
        }
        #expect(Self.isRun(state.begin(Self.key("k", "b"), "two", now: Self.start)))
        let tomorrow = Self.start.advanced(by: IdempotencyState.lifetime)
        #expect(Self.isRun(state.begin(Self.key("k"), "two", now: tomorrow)))
        #expect(state.count == 1)
    }

    @Test("What failed may be made again; bounds hold, the oldest goes first, and what runs stays")
    func bounds() {
        var state = IdempotencyState()
        _ = state.begin(Self.key("k"), "one", now: Self.start)
        state.end(Self.key("k"), nil)
        #expect(Self.isRun(state.begin(Self.key("k"), "other", now: Self.start)))
        for number in 0..<(IdempotencyState.maximumCount + 10) {
            #expect(Self.isRun(state.begin(Self.key("n\(number)"), "", now: Self.start)))
            state.end(Self.key("n\(number)"), Self.answer(""))
        }
        #expect(state.count == IdempotencyState.maximumCount)
        guard case .busy = state.begin(Self.key("k"), "other", now: Self.start) else {
            return #expect(Bool(false), "it still runs")
        }
        #expect(Self.isRun(state.begin(Self.key("n0"), "", now: Self.start)), "the oldest went")
        guard case .replay = state.begin(Self.key("n500"), "", now: Self.start) else {
            return #expect(Bool(false), "it is kept")
        }
        // A large answer is not kept at all, and many of moderate size push each other out.
        let large = EdgeResponse(status: 200, body: ByteBuffer(repeating: 0, count: 1 << 20))
        for number in 0..<40 {
            _ = state.begin(Self.key("l\(number)"), "", now: Self.start)
            state.end(Self.key("l\(number)"), large)
        }
        #expect(state.count < 40)
    }

    @Test("Only as many calls as are kept may run with keys at a time")
    func full() {
        var state = IdempotencyState()
        for number in 0..<IdempotencyState.maximumCount { _ = state.begin(Self.key("\(number)"), "", now: Self.start) }
        guard case .full = state.begin(Self.key("more"), "", now: Self.start) else {
            return #expect(Bool(false), "there is room")
        }
    }

    @Test("Of an answer that shows a secret a marker is kept: the call is known to be done, and is not done again")
    func secrets() {
        var state = IdempotencyState()
        _ = state.begin(Self.key("k"), "one", now: Self.start)
        state.endWithSecret(Self.key("k"))
        guard case .done = state.begin(Self.key("k"), "one", now: Self.start) else {
            return #expect(Bool(false), "it was done")
        }
        guard case .other = state.begin(Self.key("k"), "two", now: Self.start) else {
            return #expect(Bool(false), "it is another call")
        }
        // What was done is no call that runs: it makes room as every other does.
        for number in 0..<IdempotencyState.maximumCount {
            #expect(Self.isRun(state.begin(Self.key("\(number)"), "", now: Self.start)))
        }
        #expect(Self.isRun(state.begin(Self.key("k"), "one", now: Self.start.advanced(by: IdempotencyState.lifetime))))
    }

    @Test("Calls that fail leave nothing behind, and what is kept stays in order")
    func places() {
        var state = IdempotencyState()
        _ = state.begin(Self.key("first"), "", now: Self.start)
        state.end(Self.key("first"), Self.answer("first"))
        for number in 0..<1_000 {
            _ = state.begin(Self.key("\(number)"), "", now: Self.start)
            state.end(Self.key("\(number)"), nil)
            #expect(state.places <= 2 * state.count + 64)
        }
        #expect(state.count == 1)
        guard case .replay = state.begin(Self.key("first"), "", now: Self.start) else {
            return #expect(Bool(false), "it is kept")
        }
        let tomorrow = Self.start.advanced(by: IdempotencyState.lifetime)
        #expect(Self.isRun(state.begin(Self.key("first"), "", now: tomorrow)))
        #expect(state.count == 1 && state.places == 1)
    }

    @Test("Over the API: a POST that showed a secret is 409 the second time, and what was refused is refused again")
    func apiSecrets() async {
        let sample = SampleAPI()
        func ask(_ body: String, _ key: String) async -> EdgeResponse {
            await sample.ask(
                adminHead(
                    .POST, AdminRoute.root + "/secrets", key: "secret-of-admin", [("idempotency-key", key)]), body)
        }
        let first = await ask("", "k1")
        #expect(first.status == 201 && first.text.contains("nd-shown-once"))
        let second = await ask("", "k1")
        #expect(second.status == 409 && second.text.contains("answer_not_kept"), "\(second.text)")
        #expect(!second.text.contains("nd-shown-once"))
        #expect(await ask(#"{"a":1}"#, "k1").status == 422)
        #expect(await ask("", "k2").status == 201)
        #expect(await ask(#"{"a":1}"#, "k3").status == 400)
        #expect(await ask(#"{"a":1}"#, "k3").status == 400)
    }

    @Test("The routes whose answers show a secret say so")
    func holders() throws {
        let gateway = try FileGateway(
            "providers: { m: { type: mock } }\nlisten: { api: \"127.0.0.1:0\" }\nstore: off\n")
        let routes = gateway.process.rooms.flatMap { $0.routes }.filter(\.holdsSecret)
        #expect(
            Set(routes.map { "\($0.method) \($0.path)" }) == [
                "POST /keys", "POST /keys/{name}/rotate", "POST /vault/export",
            ])
    }

    @Test("Over the API: the same POST is answered the same, another is 422, a bad key 400, other methods ignore it")
    func api() async {
        let sample = SampleAPI()
        func ask(
            _ body: String, _ key: String, caller: String = "admin", path: String = "/questions"
        ) async -> EdgeResponse {
            await sample.ask(
                adminHead(.POST, AdminRoute.root + path, key: "secret-of-\(caller)", [("idempotency-key", key)]), body)
        }
        let first = await ask("{}", "k1")
        #expect(first.status == 200 && first.headers.count == 2)
        let second = await ask("{}", "k1")
        #expect(second.status == 200 && second.body == first.body && second.headers.count == 3)
        #expect(second.headers.contains { $0.name.canonicalName == "idempotent-replayed" && $0.value == "true" })
        let other = await ask(#"{"a":1}"#, "k1")
        #expect(other.status == 422 && other.text.contains("idempotency_key_reused"), "\(other.text)")
        #expect(await ask("{}", "k1", caller: "developer").headers.count == 2, "another caller's key is another")
        #expect(await ask("{}", "with space").status == 400)
        #expect(await ask("{}", String(repeating: "k", count: 256)).status == 400)
        // What was refused for the call's own sake is refused again.
        #expect(await ask("no", "k2").status == 400)
        #expect(await ask("no", "k2").status == 400)
        let patch = adminHead(
            .PATCH, AdminRoute.root + "/things/one", key: "secret-of-admin", [("idempotency-key", "k1")])
        #expect(await sample.ask(patch, #"{"weight":1}"#).status == 200)
    }
}
