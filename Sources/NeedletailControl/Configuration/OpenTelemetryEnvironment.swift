import Foundation
import NeedletailCore

/// The settings of OpenTelemetry's
/// [environment variables](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
///
/// Nothing is sent unless an endpoint is set there or in the file, or an exporter is named.
struct OpenTelemetryEnvironment {
    let variables: [String: String]

    /// What is wrong with a variable.
    struct Fault: Hashable {
        var variable: String
        var problem: String
        var remedy: String
    }

    private func value(_ name: String) -> String? {
        self.variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Sets what the variables say.
    ///
    /// - Returns: Those that cannot be used.
    func apply(to telemetry: inout TelemetryConfiguration) -> [Fault] {
        guard self.value("OTEL_SDK_DISABLED")?.lowercased() != "true" else { return [] }
        var faults: [Fault] = []
        var otlp = OTLPConfiguration()
        for signal in OTLPConfiguration.Signal.allCases {
            if let url = self.endpoint(signal, &faults) { otlp.endpoints[signal] = url }
        }
        if let text = self.value("OTEL_EXPORTER_OTLP_PROTOCOL"), text != "http/protobuf", !otlp.endpoints.isEmpty {
            faults.append(
                Fault(
                    variable: "OTEL_EXPORTER_OTLP_PROTOCOL",
                    problem: "'\(text)' is a protocol that this version has not",
                    remedy: "set it to http/protobuf, and the endpoint to the collector's port 4318"))
        }
        for pair in self.pairs("OTEL_EXPORTER_OTLP_HEADERS") {
            otlp.headers.append(.init(name: pair.name, value: Secret(pair.value)))
        }
        if let name = self.value("OTEL_SERVICE_NAME") { otlp.serviceName = name }
        for pair in self.pairs("OTEL_RESOURCE_ATTRIBUTES") {
            if pair.name == "service.name", self.value("OTEL_SERVICE_NAME") == nil { otlp.serviceName = pair.value }
            otlp.attributes.append(.init(name: pair.name, value: pair.value))
        }
        self.set(&otlp.timeout, "OTEL_EXPORTER_OTLP_TIMEOUT", &faults)
        self.set(&otlp.delay, "OTEL_BSP_SCHEDULE_DELAY", &faults)
        self.set(&otlp.metricInterval, "OTEL_METRIC_EXPORT_INTERVAL", &faults)
        self.set(&otlp.queue, "OTEL_BSP_MAX_QUEUE_SIZE", &faults)
        self.set(&otlp.batch, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", &faults)
        self.sampler(&telemetry, &faults)
        telemetry.otlp = otlp
        return faults
    }

    private func endpoint(_ signal: OTLPConfiguration.Signal, _ faults: inout [Fault]) -> HTTPURL? {
        let name = signal.rawValue.uppercased()
        let exporter = self.value("OTEL_\(name)_EXPORTER")
        guard exporter != "none" else { return nil }
        let own = "OTEL_EXPORTER_OTLP_\(name)_ENDPOINT"
        let (variable, text, path): (String, String, String)
        if let value = self.value(own) {
            // As it is: only the common one gets a path.
            (variable, text, path) = (own, value, "")
        } else if let value = self.value("OTEL_EXPORTER_OTLP_ENDPOINT") {
            (variable, text, path) = ("OTEL_EXPORTER_OTLP_ENDPOINT", value, "/v1/\(signal.rawValue)")
        } else if exporter == "otlp" {
            (variable, text, path) = (own, "http://localhost:4318", "/v1/\(signal.rawValue)")
        } else {
            return nil
        }
        guard let url = HTTPURL((text.hasSuffix("/") && !path.isEmpty ? String(text.dropLast()) : text) + path) else {
            let fault = Fault(
                variable: variable, problem: "'\(text)' is no URL", remedy: "set it to http://HOST:4318")
            if !faults.contains(fault) { faults.append(fault) }
            return nil
        }
        return url
    }

    private func sampler(_ telemetry: inout TelemetryConfiguration, _ faults: inout [Fault]) {
        guard let sampler = self.value("OTEL_TRACES_SAMPLER") else { return }
        let ratio: Double
        switch sampler {
        case "always_on", "parentbased_always_on": ratio = 1
        case "always_off", "parentbased_always_off": ratio = 0
        case "traceidratio", "parentbased_traceidratio":
            guard let text = self.value("OTEL_TRACES_SAMPLER_ARG") else {
                ratio = 1
                break
            }
            guard let number = Double(text), (0...1).contains(number) else {
                return faults.append(
                    Fault(
                        variable: "OTEL_TRACES_SAMPLER_ARG", problem: "'\(text)' is no share",
                        remedy: "set it to a number from 0 to 1"))
            }
            ratio = number
        default:
            return faults.append(
                Fault(
                    variable: "OTEL_TRACES_SAMPLER", problem: "there is no sampler '\(sampler)'",
                    remedy: "set it to parentbased_traceidratio, always_on or always_off"))
        }
        telemetry.sampleRatio = ratio
        telemetry.followsParent = sampler.hasPrefix("parentbased_")
    }

    /// A time in milliseconds.
    private func set(_ place: inout Duration, _ name: String, _ faults: inout [Fault]) {
        var milliseconds = 0
        self.set(&milliseconds, name, &faults)
        if milliseconds > 0 { place = .milliseconds(milliseconds) }
    }

    private func set(_ place: inout Int, _ name: String, _ faults: inout [Fault]) {
        guard let text = self.value(name) else { return }
        guard let number = Int(text), (1...1_000_000_000).contains(number) else {
            return faults.append(
                Fault(variable: name, problem: "'\(text)' is no whole number from 1", remedy: "set it to one"))
        }
        place = number
    }

    /// `name=value,name=value`, percent-encoded as in the baggage header.
    private func pairs(_ name: String) -> [(name: String, value: String)] {
        (self.value(name) ?? "").split(separator: ",").compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            let texts = parts.map { $0.trimmingCharacters(in: .whitespaces) }
            return (texts[0], texts[1].removingPercentEncoding ?? texts[1])
        }
    }
}
