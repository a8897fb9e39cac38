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

    private static let milliseconds = HTTPField.Name("retry-after-ms") ?? .retryAfter
}
