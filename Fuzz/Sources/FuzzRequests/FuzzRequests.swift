import FuzzDriver
import NIOCore
import NeedletailCore
import NeedletailProviders

/// A request that a dialect reads is written for every other as JSON, and what a dialect writes it reads again. The first
/// byte chooses the client's dialect.
func fuzzRequests(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let input = UnsafeBufferPointer(start: start, count: count)
    let source = DialectID.allCases[Int(input[0]) % DialectID.allCases.count]
    guard let request = try? source.dialect.decodeRequest(ByteBuffer(bytes: input.dropFirst())) else { return 0 }
    // What asks nothing the gateway refuses before.
    for target in DialectID.allCases where request.isTold(in: target) {
        var out = ByteBuffer()
        guard (try? target.dialect.encodeRequest(request, into: &out)) != nil else { continue }
        guard (try? JSONDocument(out)) != nil else { fatalError("\(target) is no JSON: \(String(buffer: out))") }
        guard (try? target.dialect.decodeRequest(out)) != nil else {
            fatalError("\(target) does not read what it wrote: \(String(buffer: out))")
        }
    }
    return 0
}

/// SwiftPM makes this symbol the program's `main`; libFuzzer's own would not be linked.
@_cdecl("FuzzRequests_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var (count, arguments) = (count, arguments)
    return LLVMFuzzerRunDriver(&count, &arguments, { fuzzRequests($0, Int($1)) })
}
