import FuzzDriver
import NIOCore
import NeedletailCore
import NeedletailProviders

/// The peek accepts no body that the parser refuses, reads what the parser reads, and its landmarks can be spliced.
func fuzzRequestPeek(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let body = ByteBuffer(bytes: UnsafeBufferPointer(start: start, count: count))
    let document = try? JSONDocument(body)
    for dialect in DialectID.allCases {
        for operation in [Operation.chat, .countTokens] {
            guard let request = try? RequestPeek.read(body, dialect: dialect, operation: operation) else { continue }
            guard let root = document?.root else { fatalError("the peek takes what the parser refuses") }
            if [.openAIChat, .anthropicMessages].contains(dialect) {
                check(request, root, body)
            } else {
                checkOthers(request, root, body)
            }
        }
    }
    return 0
}

/// What holds where model and stream may stand in the path.
private func checkOthers(_ request: InferenceRequest, _ root: JSONView, _ body: ByteBuffer) {
    guard case .wire(let wire, let landmarks) = request.body, wire.bytes == body else { fatalError("another body") }
    guard landmarks.model == nil || landmarks.model == root["model"]?.range else { fatalError("model") }
    guard landmarks.end == root.range.upperBound - 1 else { fatalError("end") }
    guard request.maxOutputTokens.map({ (0...Int(Int32.max)).contains($0) }) ?? true else { fatalError("max_tokens") }
    guard request.estimatedInputTokens >= 0 else { fatalError("estimate") }
}

private func check(_ request: InferenceRequest, _ root: JSONView, _ body: ByteBuffer) {
    guard case .wire(let wire, let landmarks) = request.body, wire.bytes == body else { fatalError("another body") }
    guard root["model"]?.string == request.model, root["model"]?.range == landmarks.model else { fatalError("model") }
    guard (root["stream"]?.bool ?? false) == request.isStreaming else { fatalError("stream") }
    guard root["stream_options"]?.range == landmarks.streamOptions else { fatalError("stream_options") }
    guard (root["stream_options"]?["include_usage"]?.bool ?? false) == landmarks.asksForStreamUsage else {
        fatalError("include_usage")
    }
    guard root["messages"]?.kind == .array, root["messages"]?.elements.contains(where: { _ in true }) == true else {
        fatalError("messages")
    }
    guard landmarks.end == root.range.upperBound - 1 else { fatalError("end") }
    guard request.maxOutputTokens.map({ (1...Int(Int32.max)).contains($0) }) ?? true else { fatalError("max_tokens") }
    guard request.estimatedInputTokens > 0 else { fatalError("estimate") }

    guard let model = landmarks.model else { fatalError("no landmark") }
    var splice = JSONSplice()
    splice.replace(model, with: JSONText(string: "n\"ew").bytes)
    splice.replace(landmarks.end..<landmarks.end, with: ByteBuffer(string: #","inserted":1"#))
    let edited = splice.applied(to: body)
    guard let again = try? RequestPeek.read(edited, dialect: wire.dialect, operation: request.operation) else {
        fatalError("the edited body is refused")
    }
    guard again.model == "n\"ew", (try? JSONDocument(edited))?.root["inserted"]?.int == 1 else { fatalError("edit") }
    guard again.features == request.features, again.isStreaming == request.isStreaming else { fatalError("changed") }
}

/// SwiftPM makes this symbol the program's `main`; libFuzzer's own would not be linked.
@_cdecl("FuzzRequestPeek_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var (count, arguments) = (count, arguments)
    return LLVMFuzzerRunDriver(&count, &arguments, { fuzzRequestPeek($0, Int($1)) })
}
