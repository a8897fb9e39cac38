import NeedletailCore
import NeedletailTransport
import Testing

@Suite("Origin and ProxySetting")
struct OriginTests {
    @Test(
        "A URL's origin is read",
        arguments: [
            ("https://api.example.com/v1", "https://api.example.com", 443),
            ("HTTP://API.Example.com:8080", "http://api.example.com:8080", 8080),
            ("http://127.0.0.1:11434/", "http://127.0.0.1:11434", 11434),
            ("http://[::1]:80?x", "http://[::1]", 80),
            ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443", 8443),
            ("https://host:", "https://host", 443),
            ("http://a_b.local#x", "http://a_b.local", 80),
        ]
    )
    func good(url: String, text: String, port: Int) throws {
        let origin = try Origin(url: url)
        #expect(origin.description == text)
        #expect(origin.port == port)
    }

    @Test(
        "What is no origin is refused and no secret repeated",
        arguments: [
            "", "api.example.com", "://x", "ftp://x", "https://", "https://:80", "https://x:0", "https://x:65536",
            "https://x:-1", "https://x:8a", "https://x:+8", "https://a b", "https://a\r\nb", "https://[::1",
            "https://[]",
            "https://[x]", "https://[::1]x", "https://user:hunter2@x", "https://ex%41mple", "https://\u{e9}.example",
        ]
    )
    func bad(url: String) {
        let error = #expect(throws: NeedletailError.self) { try Origin(url: url) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test(
        "The environment chooses the proxy",
        arguments: [
            (["HTTPS_PROXY": "http://p:1"], "https://a.example", "p:1"),
            (["https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:2"], "https://a.example", "p:1"),
            (["HTTP_PROXY": "http://p:1"], "https://a.example", ""),
            (["HTTP_PROXY": "p:1"], "http://a.example", "p:1"),
            (["http_proxy": "http://p"], "http://a.example", "p:80"),
            (["HTTPS_PROXY": ""], "https://a.example", ""),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"], "https://a.example", ""),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example"], "https://a.example", ""),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "example"], "https://a.example", ""),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"], "https://a.example", ""),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.example"], "https://a.example", ""),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "ample"], "https://a.example", "p:1"),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "b.example, A.EXAMPLE"], "https://a.example", ""),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example:8443"], "https://a.example", "p:1"),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example:8443"], "https://a.example:8443", ""),
            (["HTTPS_PROXY": "http://p:1", "no_proxy": "[::1]:443,x"], "https://[::1]", ""),
            (["HTTPS_PROXY": "http://p:1", "no_proxy": "::1"], "https://[::1]", ""),
            (["HTTPS_PROXY": "http://p:1", "no_proxy": "127.0.0.1"], "https://127.0.0.1", ""),
            (["HTTPS_PROXY": "http://p:1", "no_proxy": ",,"], "https://a.example", "p:1"),
        ]
    )
    func environment(variables: [String: String], url: String, expected: String) throws {
        let setting = try ProxySetting.fromEnvironment(variables, for: Origin(url: url))
        let text = if case .http(let proxy) = setting { "\(proxy.host):\(proxy.port)" } else { "" }
        #expect(text == expected)
    }

    @Test(
        "A proxy's credentials are decoded and encoded",
        arguments: [("u", "dTo="), ("u:p", "dTpw"), ("a%3Ab:c%25", "YTpiOmMl")]
    )
    func credentials(userInfo: String, encoded: String) throws {
        let setting = try ProxySetting.fromEnvironment(
            ["HTTP_PROXY": "http://\(userInfo)@p:1"], for: Origin(url: "http://a.example")
        )
        #expect(setting == .http(.init(host: "p", port: 1, authorization: "Basic \(encoded)")))
    }

    @Test(
        "A proxy that cannot be used is refused",
        arguments: ["socks5://p:1", "https://p:1", "http://", "http://u%4:x@p:1"]
    )
    func badProxy(url: String) throws {
        let origin = try Origin(url: "https://a.example")
        #expect(throws: NeedletailError.self) { try ProxySetting.fromEnvironment(["HTTPS_PROXY": url], for: origin) }
    }
}
