import Logging
import NIOCore
import NeedletailCore

/// The line of an alert.
struct AlertLogLine {
    private let event: AlertEvent

    init(_ event: AlertEvent) {
        self.event = event
    }

    /// The level: what is well again matters less.
    static func level(_ event: AlertEvent) -> Logger.Level { event.isResolved ? .notice : event.rule.severity.level }

    /// How it stands, in one word: `info`, `warning`, `critical`, `resolved`.
    static func status(_ event: AlertEvent) -> String {
        event.isResolved ? "resolved" : event.rule.severity.rawValue
    }

    /// Appends the line as JSON.
    func writeJSON(into bytes: inout ByteBuffer) {
        let event = self.event
        bytes.writeJSONLine { json in
            json.beginObject()
            json.member("timestamp", LogTime.text(event.wallNanoseconds))
            json.member("level", Self.level(event).rawValue)
            json.member("event", "health_alert")
            json.member("alert", event.rule.name)
            Self.write(event, into: &json)
            json.endObject()
        }
    }

    /// Writes what is the same wherever an alert is told.
    static func write(_ event: AlertEvent, into json: inout JSONWriter) {
        if event.rule.scope.dimension == .model, let slash = event.subject.firstIndex(of: "/") {
            json.member("provider", String(event.subject[..<slash]))
        }
        if event.rule.scope.dimension == .gateway {
            json.member("scope", AlertScope.gateway)
        } else {
            json.key(event.rule.scope.dimension.key)
            json.string(event.shownSubject)
        }
        json.member("metric", event.rule.metric.rawValue)
        json.member("status", Self.status(event))
        json.member("value", number: event.value, decimals: 6)
        json.member("threshold", number: event.rule.threshold, decimals: 6)
        json.member("message", event.message)
    }

    /// Appends the line as text.
    func writeText(_ isColored: Bool, into bytes: inout ByteBuffer) {
        let event = self.event
        let style = LogStyle(isColored)
        var text = style.start(event.wallNanoseconds, Self.level(event))
        text += style.color(Self.status(event), event.isResolved ? 32 : 31)
        text += " \(event.rule.name): " + LogStyle.plain(event.message)
        bytes.writeString(text + "\n")
    }
}

extension AlertScope.Dimension {
    /// The name as a key of JSON.
    var key: StaticString {
        switch self {
        case .gateway: "gateway"
        case .provider: "provider"
        case .model: "model"
        case .group: "group"
        case .key: "key"
        case .tenant: "tenant"
        case .budget: "budget"
        case .objective: "objective"
        }
    }
}
