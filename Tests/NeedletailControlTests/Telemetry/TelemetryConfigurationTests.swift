import Logging
import Testing

@testable import NeedletailControl

@Suite("Configuration of logs, metrics and traces")
struct TelemetryConfigurationTests {
    private static func load(_ yaml: String, _ environment: [String: String] = [:]) throws -> TelemetryConfiguration {
        try Fixture.load("providers: { m: { type: mock } }\n" + yaml, environment: environment).telemetry
    }

    @Test("the file's own words")
    func file() throws {
        let telemetry = try Self.load(
            """
            telemetry:
              log: { level: warning, requests: errors, modules: { transport: debug } }
              metrics: { max_series: 7 }
              traces: { sample: 0.25, errors: false, propagate: false }
              otlp:
                endpoint: http://collector:4318/
                headers: { x-key: { env: COLLECTOR } }
                metrics: false
                logs: false
                service_name: edge
                attributes: { deployment.environment.name: test }
            """, ["COLLECTOR": "s3cret"])
        #expect(telemetry.level == .warning && telemetry.moduleLevels == ["transport": .debug])
        #expect(telemetry.requestLines == .errors && telemetry.maximumSeries == 7)
        #expect(telemetry.sampleRatio == 0.25 && !telemetry.samplesErrors && !telemetry.propagatesTrace)
        let otlp = try #require(telemetry.otlp)
        #expect(otlp.endpoints.mapValues(\.description) == [.traces: "http://collector:4318/v1/traces"])
        #expect(otlp.headers.map(\.value.exposed) == ["s3cret"] && otlp.serviceName == "edge")
        #expect(otlp.attributes.map(\.name) == ["deployment.environment.name"])
    }

    @Test("OpenTelemetry's variables, where the file says nothing")
    func environment() throws {
        let variables = [
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector/base/", "OTEL_EXPORTER_OTLP_HEADERS": "a=b%20c , d=e",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://other:9/here", "OTEL_SERVICE_NAME": "edge",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=x,team=blue", "OTEL_TRACES_SAMPLER": "traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.5", "OTEL_BSP_SCHEDULE_DELAY": "250", "OTEL_EXPORTER_OTLP_TIMEOUT": "1500",
        ]
        let telemetry = try Self.load("", variables)
        let otlp = try #require(telemetry.otlp)
        #expect(
            otlp.endpoints.mapValues(\.description) == [
                .traces: "https://collector/base/v1/traces", .metrics: "http://other:9/here",
                .logs: "https://collector/base/v1/logs",
            ])
        #expect(otlp.headers.map { "\($0.name)=\($0.value.exposed)" } == ["a=b c", "d=e"])
        #expect(otlp.serviceName == "edge" && otlp.delay == .milliseconds(250) && otlp.timeout == .milliseconds(1500))
        #expect(telemetry.sampleRatio == 0.5 && !telemetry.followsParent)
        let file = try Self.load("telemetry: { traces: { sample: 1 }, otlp: { service_name: mine } }", variables)
        #expect(file.sampleRatio == 1 && file.otlp?.serviceName == "mine")
    }

    @Test("nothing is sent unless somebody asks for it")
    func off() throws {
        #expect(try Self.load("").otlp?.endpoints.isEmpty ?? true)
        let variables = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"]
        #expect(try Self.load("", variables.merging(["OTEL_SDK_DISABLED": "true"]) { $1 }).otlp == nil)
        let none = try Self.load(
            "", variables.merging(["OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"]) { $1 })
        #expect(none.otlp?.endpoints.keys.map { $0 } == [.traces])
        let local = try Self.load("", ["OTEL_TRACES_EXPORTER": "otlp"])
        #expect(local.otlp?.endpoints.mapValues(\.description) == [.traces: "http://localhost:4318/v1/traces"])
    }

    @Test(
        "what cannot be used is a fault",
        arguments: [
            (#"telemetry: { log: { modules: { transprot: debug } } }"#, [:], "there is no module 'transprot'"),
            (#"telemetry: { log: { requests: some } }"#, [:], "'telemetry.log.requests' has no value 'some'"),
            (#"telemetry: { traces: { sample: 2 } }"#, [:], "'telemetry.traces.sample'"),
            (#"telemetry: { tracing: true }"#, [:], "'telemetry' has no key 'tracing'"),
            (#"telemetry: { otlp: { headers: { a: b } } }"#, [:], "there is no 'endpoint' to send to"),
            (
                #"telemetry: { otlp: { endpoint: "http://c", headers: { "a b": c } } }"#, [:],
                "'a b' is no name of a header"
            ),
            ("", ["OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense"], "OTEL_EXPORTER_OTLP_ENDPOINT"),
            ("", ["OTEL_TRACES_SAMPLER": "sometimes"], "there is no sampler 'sometimes'"),
            ("", ["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"], "'2' is no share"),
            ("", ["OTEL_BSP_SCHEDULE_DELAY": "soon"], "'soon' is no whole number"),
            (
                "", ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"],
                "'grpc' is a protocol"
            ),
        ] as [(String, [String: String], String)])
    func faults(yaml: String, environment: [String: String], message: String) {
        let faults = Fixture.faults("providers: { m: { type: mock } }\n" + yaml, environment: environment)
        #expect(faults.contains { $0.contains(message) }, "\(faults)")
    }
}
