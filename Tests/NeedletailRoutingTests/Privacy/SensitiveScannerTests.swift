import NeedletailCore
import NeedletailRouting
import Testing

/// What is sensitive is found, whole and with nothing around it; what only looks like it is not.
struct SensitiveScannerTests {
    private func found(_ text: String, _ kinds: SensitiveKinds = .all) -> [String] {
        let bytes = Array(text.utf8)
        var matches: [SensitiveMatch] = []
        SensitiveScanner.scan(bytes.span, for: kinds, into: &matches)
        return matches.map { "\($0.kind.name):\(String(decoding: bytes[$0.range], as: UTF8.self))" }
    }

    @Test(
        "is found",
        arguments: [
            ("write to joe@example.com.", ["email:joe@example.com"]),
            ("<joe.doe+tag@sub.example.co.uk>", ["email:joe.doe+tag@sub.example.co.uk"]),
            ("o'brien@example.ie and jörg@müller.de", ["email:o'brien@example.ie", "email:jörg@müller.de"]),
            (#"{"mail":"a.b@c.io"}"#, ["email:a.b@c.io"]),
            (#"{\"mail\":\"a.b@c.io\"} \nann@c.io"#, ["email:a.b@c.io", "email:ann@c.io"]),
            ("mailto:x_y@z.org?subject=1", ["email:x_y@z.org"]),
            ("a@b.de,c@d.fr", ["email:a@b.de", "email:c@d.fr"]),
            ("call +49 171 1234567 now", ["phone:+49 171 1234567"]),
            ("+4917112345678", ["phone:+4917112345678"]),
            ("+1 (555) 234-5678", ["phone:+1 (555) 234-5678"]),
            ("(555) 234-5678", ["phone:(555) 234-5678"]),
            ("555-234-5678", ["phone:555-234-5678"]),
            ("555.234.5678 and 1-800-234-5678", ["phone:555.234.5678", "phone:1-800-234-5678"]),
            ("0049 30 1234567", ["phone:0049 30 1234567"]),
            ("030 12345678", ["phone:030 12345678"]),
            ("0171/1234567", ["phone:0171/1234567"]),
            ("020 7946 0958", ["phone:020 7946 0958"]),
            ("01 23 45 67 89", ["phone:01 23 45 67 89"]),
            ("02 9374 4000", ["phone:02 9374 4000"]),
            ("tel: 5552345678", ["phone:5552345678"]),
            ("555-234-5678 2 times", ["phone:555-234-5678"]),
            ("4111 1111 1111 1111", ["card:4111 1111 1111 1111"]),
            ("4111111111111111", ["card:4111111111111111"]),
            ("5500-0000-0000-0004", ["card:5500-0000-0000-0004"]),
            ("3782 822463 10005", ["card:3782 822463 10005"]),
            ("card 4111 1111 1111 1111 123", ["card:4111 1111 1111 1111"]),
            ("DE89 3704 0044 0532 0130 00", ["iban:DE89 3704 0044 0532 0130 00"]),
            ("GB82WEST12345698765432.", ["iban:GB82WEST12345698765432"]),
            ("nl91abna0417164300", ["iban:nl91abna0417164300"]),
            ("from 203.0.113.7:8080", ["ip:203.0.113.7"]),
            ("2001:db8::1 and fe80::1ff:fe23:4567:890a", ["ip:2001:db8::1", "ip:fe80::1ff:fe23:4567:890a"]),
            ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", ["ip:2001:0db8:85a3:0000:0000:8a2e:0370:7334"]),
            ("[2001:db8::5]:443", ["ip:2001:db8::5"]),
            ("OPENAI_API_KEY=sk-proj-abcdefghij0123456789", ["api_key:sk-proj-abcdefghij0123456789"]),
            ("AKIAIOSFODNN7EXAMPL2", ["api_key:AKIAIOSFODNN7EXAMPL2"]),
            (
                "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
                ["api_key:ghp_abcdefghijklmnopqrstuvwxyz0123456789"]
            ),
            (
                "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2lnbmF0dXJl",
                ["api_key:eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2lnbmF0dXJl"]
            ),
            ("key: q9Zb3Xk7Lm2Pv8Rt5Wy1Nc4Hs6Jd0Fg9", ["api_key:q9Zb3Xk7Lm2Pv8Rt5Wy1Nc4Hs6Jd0Fg9"]),
            (
                "x -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- y",
                ["api_key:-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"]
            ),
        ])
    func isFound(_ text: String, _ expected: [String]) {
        #expect(self.found(text) == expected)
    }

    @Test(
        "is ordinary",
        arguments: [
            "2024-01-15", "01/02/2024 10:30", "15.01.2024", "2024-01-15T10:30:45.123Z", "10:30:45", "1990-2000",
            "1,234,567.89", "3.14159265358979", "0.4111111111111111", "12345678901", "5552345678", "1700000000",
            "1700000000000", "1700000000000000000", "version 1.2.3", "1.2.3.4.5", "127.0.0.1:4003", "0.0.0.0",
            "256.1.1.1",
            "ISBN 978-3-16-148410-0", "550e8400-e29b-41d4-a716-446655440000", "4111 1111 1111 1112", "4111111111111112",
            "1234567812345670", "12 34 56 78", "100 200 300 400", "250 300 4000", "$1,000-2,000", "a@b",
            "user@localhost",
            "npm i left-pad@1.3.0", "icon@2x.png", "git@github.com:owner/name.git", "@joe", "std::vector", "a::b",
            "face::cafe",
            "aa:bb:cc:dd:ee:ff", "::1", "12:34:56:78", "DE89 3704 0044 0532 0130 01", "XX82WEST12345698765432",
            "claude-3-5-sonnet-20241022", "sk-learn-compatible-estimators", "d41d8cd98f00b204e9800998ecf8427e",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "applicationDidFinishLaunchingWithOptions2Handler", "VERY_LONG_CONSTANT_NAME_IN_CAPITALS_12345",
            "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
            "-----BEGIN CERTIFICATE-----", "1+1=2", "x+12345678901", "007", "0x1234567890", "00000000",
            "10000000000000000",
            "3-2-1", "5-10 pages", "24/7", "50 000 000", "0.5-1.5", "[EMAIL_ABCDEF]", "A4 paper 210x297",
        ])
    func isOrdinary(_ text: String) {
        #expect(self.found(text).isEmpty)
        #expect(self.found("so \(text) it is").isEmpty)
    }

    @Test("only the kinds that are asked for are found")
    func kinds() {
        let text = "joe@example.com 203.0.113.7"
        #expect(self.found(text, SensitiveKinds(.ip)) == ["ip:203.0.113.7"])
        #expect(self.found(text, []).isEmpty)
    }

    /// Matches lie in the text, in order, without overlaps, and no word goes on beyond them, whatever the text.
    @Test("holds for any text", arguments: 0..<200 as Range<UInt64>)
    func anyText(seed: UInt64) {
        let pieces = [
            "joe@example.com", "4111 1111 1111 1111", "+49 171 1234567", "203.0.113.7", "2001:db8::1", " ", "\n", "\\n",
            "\"", "@", ".", ":", "-", "1", "a", "é", "日本", "DE89370400440532013000", "sk-", "0123456789", "-----BEGIN ",
            "PRIVATE KEY-----", "(", ")", "/", "_", "eyJ", "\\", "\\u0040",
        ]
        var generator = RandomSource.Generator(.seeded(seed))
        var text = ""
        for _ in 0..<60 { text += pieces.randomElement(using: &generator) ?? "" }
        let bytes = Array(text.utf8)
        var matches: [SensitiveMatch] = []
        SensitiveScanner.scan(bytes.span, for: .all, into: &matches)
        var last = 0
        for match in matches {
            #expect(match.range.lowerBound >= last && !match.range.isEmpty && match.range.upperBound <= bytes.count)
            #expect(String(validating: bytes[match.range], as: UTF8.self) != nil)
            last = match.range.upperBound
        }
    }
}
