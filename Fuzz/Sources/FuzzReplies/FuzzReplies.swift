import FuzzDriver
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders

/// A reply or an error that a dialect reads is written for every other as JSON, and what a dialect writes it reads again.
/// The first byte chooses the upstream's dialect, the second the status of the error.
func fuzzReplies(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 2 else { return 0 }
    let input = UnsafeBufferPointer(start: start, count: count)
    let source = DialectID.allCases[Int(input[0]) % DialectID.allCases.count].dialect
    let body = ByteBuffer(bytes: input.dropFirst(2))
    _ = try? source.inspectReply(body)
    let failure = source.decodeFailure(status: 400 + Int(input[1]) % 200, headers: [.contentType: "x"], body: body)
    let reply = try? source.decodeReply(body)
    for target in DialectID.allCases {
        var out = ByteBuffer()
        let status = target.dialect.encodeFailure(failure, requestID: "r", into: &out)
        guard (400..<600).contains(status), (try? JSONDocument(out)) != nil else {
            fatalError("\(target), \(status): \(String(buffer: out))")
        }
        guard let reply else { continue }
        out.clear()
        guard (try? target.dialect.encodeReply(reply, created: 1, into: &out)) != nil else { continue }
        guard (try? JSONDocument(out)) != nil else { fatalError("\(target) is no JSON: \(String(buffer: out))") }
        do {
            _ = try target.dialect.decodeReply(out)
        } catch {
            // What a dialect tells by an error inside a 200 it takes for one.
            guard error.code != .malformedReply else {
                fatalError("\(target) does not read what it wrote: \(String(buffer: out))")
            }
        }
    }
    return 0
}

/// SwiftPM makes this symbol the program's `main`; libFuzzer's own would not be linked.
@_cdecl("FuzzReplies_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var (count, arguments) = (count, arguments)
    return LLVMFuzzerRunDriver(&count, &arguments, { fuzzReplies($0, Int($1)) })
}
