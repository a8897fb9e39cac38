import CNeedletailSystem
import NIOCore
import NIOPosix

/// The event loops of a process that serves.
enum EventLoops {
    /// One loop per core that the process may use, at the priority that the process was started with.
    ///
    /// Commands run on libdispatch's threads, which set nice values of their own that a new thread inherits. A gateway
    /// that an operator has put before other work would be back among it: whatever else wants the core takes
    /// milliseconds at a time from every stream.
    ///
    /// - Parameter count: How many loops, if not one per core.
    static func make(count: Int? = nil) -> MultiThreadedEventLoopGroup {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: count ?? AvailableCores.count)
        for loop in group.makeIterator() { loop.execute { needletail_take_process_priority() } }
        return group
    }
}
