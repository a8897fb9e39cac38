import FuzzDriver
import NIOCore
import NeedletailCore

/// The same events whole, byte by byte, and split by the input's own numbers; what is read and written again is the same.
func fuzzSSE(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 4 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let sizes = input[..<4].map { Int($0 % 16) }
    let limit = sizes[0] == 0 ? 24 : 1 << 20
    let stream = ByteBuffer(bytes: input[4...])
    let whole = decode(stream, [stream.readableBytes], limit)
    guard decode(stream, [1], limit) == whole else { fatalError("byte by byte it differs") }
    guard decode(stream, sizes.map { $0 + 1 }, limit) == whole else { fatalError("split it differs") }

    guard let whole else { return 0 }
    var out = ByteBuffer()
    for event in whole { SSEEncoder.write(data: event.data, into: &out) }
    let again = decode(out, [out.readableBytes], .max)
    guard again?.map(\.data) == whole.map(\.data) else { fatalError("written again it differs") }
    return 0
}

/// The events, or `nil` if one was too large. Checks what each of them says about its place.
private func decode(_ stream: ByteBuffer, _ sizes: [Int], _ limit: Int) -> [SSEEvent]? {
    var decoder = SSEDecoder(maximumEventSize: limit)
    var rest = stream
    var events: [SSEEvent] = []
    var turn = 0
    var last = 0
    func take(_ event: SSEEvent) {
        guard event.endOffset > last, event.endOffset <= decoder.boundary else {
            fatalError("an offset is out of order")
        }
        last = event.endOffset
        events.append(SSEEvent(name: event.name, data: event.data))
    }
    do {
        while rest.readableBytes > 0 {
            let size = min(rest.readableBytes, sizes[turn % sizes.count])
            turn += 1
            if let chunk = rest.readSlice(length: size) { decoder.feed(chunk) }
            // Every fifth time the reader is late.
            if turn % 5 == 4 { continue }
            while let event = try decoder.next() { take(event) }
            let fed = stream.readableBytes - rest.readableBytes
            guard decoder.boundary + decoder.pendingBytes == fed else { fatalError("bytes were lost") }
        }
        while let event = try decoder.finish() { take(event) }
    } catch {
        return nil
    }
    guard decoder.boundary == stream.readableBytes, decoder.pendingBytes == 0 else {
        fatalError("the end is not the end")
    }
    return events
}

/// SwiftPM makes this symbol the program's `main`; libFuzzer's own would not be linked.
@_cdecl("FuzzSSE_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var (count, arguments) = (count, arguments)
    return LLVMFuzzerRunDriver(&count, &arguments, { fuzzSSE($0, Int($1)) })
}
