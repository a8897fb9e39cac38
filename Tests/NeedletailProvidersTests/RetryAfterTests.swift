import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Waits that providers ask for")
struct RetryAfterTests {
    @Test(
        "dates are read as HTTP writes them, and nothing else is",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000), ("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799), ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
            ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800), ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Wed, 29 Feb 2023 00:00:00 GMT", nil), ("Mon, 29 Feb 2100 00:00:00 GMT", nil),
            ("Sun, 31 Apr 1994 08:49:37 GMT", nil), ("Sun, 00 Nov 1994 08:49:37 GMT", nil),
            ("Sun, 6 Nov 1994 08:49:37 GMT", nil), ("Sun, 06 nov 1994 08:49:37 GMT", nil),
            ("Son, 06 Nov 1994 08:49:37 GMT", nil), ("Sun 06 Nov 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 24:00:00 GMT", nil), ("Sun, 06 Nov 1994 08:60:37 GMT", nil),
            ("Sun, 06 Nov 1994 08:49:61 GMT", nil), ("Sun, 06 Nov 1994 08:49 GMT", nil),
            ("Sun, 06 Nov 1994 08:49:37 UTC", nil), ("Sun, 06 Nov 1994 08:49:37", nil),
            ("Sun, 06 Nov 1994 08:49:37 GMT ", nil), ("Sun, 06 Nov 94 08:49:37 GMT", nil),
            ("Sun, 06 Nov +994 08:49:37 GMT", nil), ("Sunday, 06-Nov-94 08:49:37 GMT", nil),
            ("Sun Nov  6 08:49:37 1994", nil), ("30", nil), ("", nil),
        ] as [(String, Int64?)])
    func dates(text: String, seconds: Int64?) {
        #expect(HTTPDateParser.seconds(text) == seconds)
    }

    @Test(
        "a refusal's headers say how long to wait, in both dialects",
        arguments: [
            ([.retryAfter: "7"], .seconds(7)), ([.retryAfter: "0.5"], .milliseconds(500)),
            ([.retryAfter: "1e12"], .seconds(86_400)), ([.retryAfter: "-1"], nil), ([.retryAfter: "nan"], nil),
            ([Self.milliseconds: "250", .retryAfter: "7"], .milliseconds(250)),
            ([Self.milliseconds: "1e15"], .seconds(86_400)), ([Self.milliseconds: "x", .retryAfter: "7"], .seconds(7)),
            // The clock stands at 22:13:20.
            ([.retryAfter: "Tue, 14 Nov 2023 22:13:50 GMT"], .seconds(30)),
            ([.retryAfter: "Tue, 14 Nov 2023 22:13:20 GMT"], .zero),
            ([.retryAfter: "Sun, 06 Nov 1994 08:49:37 GMT"], .zero),
            ([.retryAfter: "Fri, 31 Dec 9999 23:59:59 GMT"], .seconds(86_400)),
            ([.retryAfter: "Tue, 14 Nov 2023 22:13:50"], nil), ([:], nil),
        ] as [(HTTPFields, Duration?)], DialectID.spelledOut)
    func headers(_ test: (headers: HTTPFields, wait: Duration?), dialect: DialectID) async throws {
        let headers = test.headers
        let spec: ProviderSpec = dialect == .openAIChat ? .openAI : .anthropic
        let bench = Bench(spec) { _ in json(#"{"error":{"message":"Slow down."}}"#, status: 429, headers) }
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(
                #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#, dialect)
        }
        #expect(error?.code == .rateLimited)
        #expect(error?.retryAfter == test.wait)
    }

    @Test(
        "the reset of a limit that is used up counts, in every provider's own way",
        arguments: [
            (
                ["x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "11m31.2s"],
                .milliseconds(691_200)
            ),
            (["x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "120ms"], .milliseconds(120)),
            (["x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "500"], .seconds(500)),
            (["x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "20s"], nil),
            (
                [
                    "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s",
                    "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6.5s",
                ], .milliseconds(6_500)
            ),
            (
                [
                    "x-ratelimit-remaining-requests-day": "100", "x-ratelimit-reset-requests-day": "24478.67",
                    "x-ratelimit-remaining-tokens-minute": "0", "x-ratelimit-reset-tokens-minute": "3.543672561645508",
                ], .milliseconds(3_544)
            ),
            // The clock stands at 22:13:20.
            (
                [
                    "anthropic-ratelimit-requests-remaining": "0",
                    "anthropic-ratelimit-requests-reset": "2023-11-14T22:13:50Z",
                    "anthropic-ratelimit-tokens-remaining": "9",
                    "anthropic-ratelimit-tokens-reset": "2023-11-14T23:00:00Z",
                ], .seconds(30)
            ),
            (["anthropic-ratelimit-requests-reset": "garbage"], nil),
            (["x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000040000"], .seconds(40)),
            (["x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000040"], .seconds(40)),
            (["x-ratelimit-limit": "2", "x-ratelimit-reset": "1"], .seconds(1)),
            (["ratelimit-remaining": "0", "ratelimit-reset": "19"], .seconds(19)),
            (["ratelimitbysize-remaining": "0", "ratelimitbysize-reset": "60"], .seconds(60)),
            (["x-ratelimit-type": "UserByModelByMinute", "x-ratelimit-timeremaining": "7"], .seconds(7)),
            (["x-ratelimit-renewalperiod-requests": "60"], nil), (["x-ratelimit-resetting": "60"], nil),
            (["retry-after": "1", "retry-after-ms": "0"], .seconds(1)),
            (["retry-after": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "40"], .seconds(2)),
        ] as [([String: String], Duration?)])
    func resets(headers: [String: String], wait: Duration?) async throws {
        try await self.check(headers, #"{"error":{"message":"Slow down."}}"#, .openAI, wait)
    }

    @Test("Anthropic's resets are points in time")
    func anthropic() async throws {
        let headers = [
            "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2023-11-14T22:13:50Z",
        ]
        try await self.check(headers, "{}", .anthropic, .seconds(30))
    }

    @Test(
        "what a body asks for counts where no header does",
        arguments: [
            (#"{"error":{"message":"Please try again in 11.054s. Visit us."}}"#, .milliseconds(11_054)),
            (#"{"error":{"message":"Try again in 1h2m."}}"#, .seconds(3720)),
            (#"{"error":{"code":"429","message":"Exceeded. Please retry after 20 seconds."}}"#, .seconds(20)),
            (#"{"error":{"message":"Please wait 7 seconds before retrying."}}"#, .seconds(7)),
            (#"{"error":{"message":"Please retry in 40.5s."}}"#, .milliseconds(40_500)),
            (#"{"error":{"message":"Retry in 2 minutes"}}"#, .seconds(120)),
            (#"{"detail":"Request was throttled. Expected available in 3 seconds."}"#, .seconds(3)),
            (#"{"detail":"Your rate limit resets in ~30s."}"#, .seconds(30)),
            (#"{"error":{"message":"x","metadata":{"retry_after":3}}}"#, .seconds(3)),
            (#"{"detail":"Request was throttled.","retry_after":5}"#, .seconds(5)),
            (
                #"{"error":{"code":429,"message":"x","details":[{"@type":"a"},{"@type":"b","retryDelay":"40s"}]}}"#,
                .seconds(40)
            ),
            (#"{"error":{"message":"Try again in 5 regions"}}"#, nil), (#"{"error":{"message":"wait"}}"#, nil),
            (#"{"error":{"message":"Try again in a while"}}"#, nil), ("again in", nil), ("[]", nil), ("", nil),
        ] as [(String, Duration?)])
    func bodies(body: String, wait: Duration?) async throws {
        try await self.check([:], body, .openAI, wait)
    }

    @Test(
        "RFC 3339's dates are read and nothing else is",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2023-11-14T22:13:20Z", 1_700_000_000),
            ("2023-11-14t23:13:20.5+01:00", 1_700_000_000.5), ("2023-11-14T22:13:20-00:30", 1_700_001_800),
            ("2023-11-14T22:13:20", nil), ("2023-11-14 22:13:20Z", nil), ("2023-13-14T22:13:20Z", nil),
            ("2023-11-14T24:13:20Z", nil), ("2023-11-14T22:13:20.Z", nil), ("2023-11-14T22:13:20+1:00", nil),
            ("", nil), ("11m31.2s", nil),
        ] as [(String, Double?)])
    func rfc3339(text: String, seconds: Double?) {
        #expect(RFC3339.seconds(text) == seconds)
    }

    private func check(
        _ headers: [String: String], _ body: String, _ spec: ProviderSpec, _ wait: Duration?
    ) async throws {
        var fields = HTTPFields()
        for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }
        let sent = fields
        let bench = Bench(spec) { _ in json(body, status: 429, sent) }
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(
                #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#, spec.dialects[0])
        }
        #expect(error?.retryAfter == wait)
    }

    private static let milliseconds = HTTPField.Name("retry-after-ms") ?? .retryAfter
}
