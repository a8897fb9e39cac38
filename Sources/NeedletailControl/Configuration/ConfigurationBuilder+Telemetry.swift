import HTTPTypes
import NeedletailCore

extension ConfigurationBuilder {
    /// What is logged, counted and traced. OpenTelemetry's variables set what the file leaves out.
    mutating func telemetry(_ node: ConfigurationNode?) -> TelemetryConfiguration {
        var telemetry = TelemetryConfiguration()
        let environment = OpenTelemetryEnvironment(variables: self.defaults.environment)
        for fault in environment.apply(to: &telemetry) {
            self.faults.error(at: .environment(fault.variable), fault.problem, fault.remedy)
        }
        guard let node else { return telemetry }
        if let log = node["log"] { self.readLog(log, &telemetry) }
        assign(node["metrics"]?.int("max_series"), to: &telemetry.maximumSeries)
        assign(node["requests"]?.int("size"), to: &telemetry.requestLogSize)
        if let requests = node["requests"] {
            let path = self.secrets.path(requests.text("path") ?? "needletail-requests.db")
            telemetry.requestHistory = requests.duration("history").map { .init(path: path, retention: $0) }
            if requests["path"] != nil, requests["history"] == nil {
                self.faults.error(
                    at: requests["path"]?.position ?? requests.position, "nothing is kept in this file",
                    "write history: 30d beside it")
            }
        }
        if let traces = node["traces"] {
            assign(traces.double("sample"), to: &telemetry.sampleRatio)
            assign(traces.bool("errors"), to: &telemetry.samplesErrors)
            assign(traces.bool("propagate"), to: &telemetry.propagatesTrace)
        }
        if let otlp = node["otlp"] { self.readOTLP(otlp, &telemetry) }
        return telemetry
    }

    private mutating func readLog(_ log: ConfigurationNode, _ telemetry: inout TelemetryConfiguration) {
        assign(log.text("level"), to: &telemetry.logLevel)
        telemetry.logFormat = log.text("format").flatMap { .init(rawValue: $0) }
        assign(log.text("requests").flatMap { .init(rawValue: $0) }, to: &telemetry.requestLines)
        for entry in log["modules"]?.entries ?? [] {
            guard LogLevels.modules.contains(entry.key) else {
                let nearest = NearestNames.nearestNames(to: entry.key, among: LogLevels.modules, limit: 1).first
                self.faults.error(
                    at: entry.position,
                    "there is no module '\(entry.key)'",
                    nearest.map { "did you mean '\($0)'?" }
                        ?? "write one of: \(LogLevels.modules.joined(separator: ", "))"
                )
                continue
            }
            telemetry.logModules[entry.key] = entry.value.scalar?.text
        }
    }

    private mutating func readOTLP(_ node: ConfigurationNode, _ telemetry: inout TelemetryConfiguration) {
        var otlp = telemetry.otlp ?? OTLPConfiguration()
        if let url = node.url("endpoint") {
            for signal in OTLPConfiguration.Signal.allCases {
                var own = url
                own.path += "/v1/\(signal.rawValue)"
                otlp.endpoints[signal] = own
            }
        }
        for signal in OTLPConfiguration.Signal.allCases where node.bool(signal.rawValue) == false {
            otlp.endpoints[signal] = nil
        }
        if otlp.endpoints.isEmpty, node["endpoint"] == nil, node["headers"] != nil || node["service_name"] != nil {
            self.faults.error(
                at: node.position, "there is no 'endpoint' to send to",
                "write endpoint: http://HOST:4318, or set OTEL_EXPORTER_OTLP_ENDPOINT")
        }
        for entry in node["headers"]?.entries ?? [] {
            guard HTTPField.Name(entry.key) != nil else {
                self.faults.error(
                    at: entry.position, "'\(entry.key)' is no name of a header",
                    "write letters, digits and '-' only")
                continue
            }
            let value =
                entry.value.scalar.map { Secret($0.text) }
                ?? self.secrets.secret(entry.value, "the header '\(entry.key)'", &self.faults)
            guard let value else { continue }
            otlp.headers.removeAll { $0.name.lowercased() == entry.key.lowercased() }
            otlp.headers.append(.init(name: entry.key, value: value))
        }
        assign(node.duration("timeout"), to: &otlp.timeout)
        assign(node.duration("interval"), to: &otlp.metricInterval)
        assign(node.text("service_name"), to: &otlp.serviceName)
        for entry in node["attributes"]?.entries ?? [] {
            guard let text = entry.value.scalar?.text else { continue }
            otlp.attributes.removeAll { $0.name == entry.key }
            otlp.attributes.append(.init(name: entry.key, value: text))
        }
        telemetry.otlp = otlp
    }
}
