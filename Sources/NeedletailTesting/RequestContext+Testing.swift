public import HTTPTypes
import Logging
public import NeedletailCore

extension RequestContext {
    /// A context for tests.
    public static func testing(
        id: String = "req-test",
        forwardedHeaders: HTTPFields = [:],
        isStrict: Bool = false,
        keyName: String? = nil,
        tenant: String? = nil,
        allowedModels: [String]? = nil,
        allowedProviders: [String]? = nil,
        routingHeaders: HTTPFields = [:],
        deadline: Instant? = nil
    ) -> Self {
        RequestContext(
            RequestInfo(
                id: id,
                forwardedHeaders: forwardedHeaders,
                isStrict: isStrict,
                keyName: keyName,
                tenant: tenant,
                allowedModels: allowedModels,
                allowedProviders: allowedProviders,
                routingHeaders: routingHeaders,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            ),
            deadline: deadline
        )
    }
}
