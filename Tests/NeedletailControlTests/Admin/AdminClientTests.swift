import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("Asking the admin API")
struct AdminClientTests {
    @Test("who asks may say how long it waits; a change may take long")
    func limits() async throws {
        let transport = FunctionTransport { _ throws(NeedletailError) in
            TransportResponse(status: 200, body: TransportBody(ByteBuffer(string: "{}")))
        }
        let client = AdminClient(url: AdminClient.usualURL, key: nil, transport: transport)
        _ = try await client.call("GET", "/config", within: .seconds(5))
        _ = try await client.health(within: .seconds(5))
        _ = try await client.call("POST", "/providers/main/drain")
        let short = Timeouts(connect: .seconds(5), firstToken: .seconds(5), idle: .seconds(5), total: .seconds(5))
        #expect(transport.requests.map(\.timeouts) == [short, short, Timeouts(firstToken: .seconds(610))])
    }
}
