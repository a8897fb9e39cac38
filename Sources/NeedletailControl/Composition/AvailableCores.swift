import CNeedletailSystem
import NIOCore

/// How many event loops are worth having.
enum AvailableCores {
    /// The cores that this process may run on: its affinity mask and its control group both count.
    static var count: Int {
        let allowed = Int(needletail_allowed_cores())
        return allowed > 0 ? min(allowed, System.coreCount) : System.coreCount
    }
}
