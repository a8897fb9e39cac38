/// Who speaks: what OpenTelemetry calls a resource, and the instrumentation within it.
struct OTLPResource: Sendable {
    /// `service.name` and the rest.
    var attributes: OTLPAttributes

    /// - Parameter more: Attributes that the operator adds or sets otherwise.
    init(serviceName: String, _ more: [(name: String, value: String)]) {
        var all: [(name: String, value: OTLPValue)] = [
            ("service.name", .text(serviceName)), ("service.version", .text(NeedletailVersion.current)),
            ("telemetry.sdk.name", .text("needletail")), ("telemetry.sdk.language", .text("swift")),
            ("telemetry.sdk.version", .text(NeedletailVersion.current)),
        ]
        for (name, value) in more {
            // The service's name is what it is called in its own setting.
            all.removeAll { $0.name == name && name != "service.name" }
            if name != "service.name" { all.append((name, .text(value))) }
        }
        self.attributes = OTLPAttributes(all)
    }

    /// The envelope that all three signals share: resource, scope, and in it what `write` writes.
    func envelope(_ write: (inout ProtobufWriter) -> Void) -> ProtobufWriter {
        var request = ProtobufWriter()
        request.message(1) { resource in
            resource.message(1) { self.attributes.write(1, into: &$0) }
            resource.message(2) { scope in
                scope.message(1) {
                    $0.string(1, "needletail")
                    $0.string(2, NeedletailVersion.current)
                }
                write(&scope)
            }
        }
        return request
    }
}
