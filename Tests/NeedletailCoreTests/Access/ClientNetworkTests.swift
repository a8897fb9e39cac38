import NeedletailCore
import Testing

@Suite("Addresses and networks")
struct ClientNetworkTests {
    @Test(
        "one address has one value, however it is written",
        arguments: [
            ("192.0.2.7", "::ffff:192.0.2.7"), ("::ffff:c000:207", "192.0.2.7"), ("::", "0:0:0:0:0:0:0:0"),
            ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1"), ("::1", "0:0:0:0:0:0:0:1"), ("1::", "1:0:0:0:0:0:0:0"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ])
    func equal(_ one: String, _ other: String) {
        #expect(IPAddress(one) != nil && IPAddress(one) == IPAddress(other))
    }

    @Test(
        "what is no address is none",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "1.2.3.-4", "+1.2.3.4", ":", ":::",
            "1::2::3", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "12345::", "g::", ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:",
            "::1.2.3", "1.2.3.4::", "fe80::1%eth0", "+1::", "1:2:3:4:5:6:7:8::",
        ])
    func none(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(
        "an address belongs to a network, or not",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3/8", "10.9.9.9", true),
            ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false), ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true), ("::/0", "192.0.2.1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::", false),
            ("2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff", true),
            ("2001:db8::/65", "2001:db8::8000:0:0:0", false), ("::ffff:10.0.0.0/104", "10.2.3.4", true),
            ("192.0.2.128/25", "192.0.2.127", false), ("192.0.2.128/25", "192.0.2.200", true),
            ("::1/128", "::1", true), ("::1/128", "::2", false), ("192.0.2.0/31", "::ffff:192.0.2.1", true),
        ])
    func contains(_ network: String, _ address: String, _ expected: Bool) throws {
        let network = try #require(ClientNetwork(network))
        #expect(network.contains(try #require(IPAddress(address))) == expected)
    }

    @Test(
        "what is no network is none",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0/8", "a/8",
            "1.1.1.1/0008",
        ])
    func noNetwork(_ text: String) {
        #expect(ClientNetwork(text) == nil)
    }
}
