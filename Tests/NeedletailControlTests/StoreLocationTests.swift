import NeedletailControl
import Testing

@Suite("Where commands look for the store and the gateway")
struct StoreLocationTests {
    @Test(
        "the admin listener is the one that the file names, asked on this machine",
        arguments: [
            ("", "http://127.0.0.1:4004"),
            ("listen: { admin: 127.0.0.1:5004 }\n", "http://127.0.0.1:5004"),
            ("listen: { admin: 0.0.0.0:4010 }\n", "http://127.0.0.1:4010"),
            ("listen: { admin: \"[::]:4010\" }\n", "http://[::1]:4010"),
            ("listen: { admin: 10.0.0.7:4004 }\n", "http://10.0.0.7:4004"),
        ])
    func admin(text: String, url: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("needletail.yaml", text)
        #expect(StoreLocation(file: file, environment: [:]).adminURL == url)
    }

    @Test("without a file it is the usual one")
    func absent() throws {
        let folder = try TemporaryFolder()
        #expect(
            StoreLocation(file: folder.path + "/none.yaml", environment: [:]).adminURL == AdminClient.usualURL)
    }
}
