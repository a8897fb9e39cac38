import Logging
import NeedletailCore

/// Logs requests that failed by the logger that a program brings along, where it does not use ``RequestLog``.
struct FailureLog: RequestObserver {
    let logger: Logger

    func requestEnded(_ request: RequestRecord) {
        guard let error = request.error else { return }
        let level = RequestLogLine.level(request)
        guard self.logger.logLevel <= level else { return }
        var metadata: Logger.Metadata = [
            "request_id": "\(request.id)", "code": "\(error.code)", "status": "\(request.status)",
        ]
        if let provider = error.provider ?? request.provider { metadata["provider"] = "\(provider)" }
        if let key = request.keyName { metadata["key"] = "\(key)" }
        if let upstream = error.upstream { metadata["upstream_status"] = "\(upstream.status)" }
        if let id = error.upstream?.requestID { metadata["upstream_request_id"] = "\(id)" }
        if let cause = error.cause { metadata["cause"] = .string(LogLine.cut("\(cause)")) }
        if let hint = RecoveryHint.text(for: error) { metadata["hint"] = .string(hint) }
        self.logger.log(level: level, "\(LogLine.cut(error.message))", metadata: metadata)
    }
}
