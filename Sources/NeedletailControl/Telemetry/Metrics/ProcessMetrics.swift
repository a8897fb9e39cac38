import Foundation

/// What the system says of the process: the names that every Prometheus client library uses, and only on Linux.
enum ProcessMetrics {
    /// What one of the files says.
    struct Status: Sendable, Hashable {
        var residentBytes = 0
        var virtualBytes = 0
        /// In hundredths of a second, the kernel's unit for user space (`USER_HZ`).
        var cpuTicks = 0
        /// Seconds since the machine's start, in hundredths.
        var startTicks = 0
        var threads = 0
    }

    /// Reads the process' state.
    static func read() -> [MetricReading] {
        guard let text = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let status = Self.parse(stat: text, pageSize: sysconf(Int32(_SC_PAGESIZE)))
        else { return [] }
        var readings: [MetricReading] = [
            .gauge("process_resident_memory_bytes", "Resident memory size in bytes.", Double(status.residentBytes)),
            .gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", Double(status.virtualBytes)),
            .counter(
                "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", digits: 2,
                [(.none, status.cpuTicks)]),
            .gauge("needletail_threads", "Threads of the process.", Double(status.threads)),
        ]
        if let boot = Self.bootTime() {
            readings.append(
                .gauge(
                    "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
                    Double(boot) + Double(status.startTicks) / 100))
        }
        if let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            readings.append(.gauge("process_open_fds", "Number of open file descriptors.", Double(files)))
        }
        return readings
    }

    /// Reads what [proc_pid_stat(5)](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html) describes; the program's
    /// name may hold anything, so the fields are counted from its closing parenthesis.
    static func parse(stat text: String, pageSize: Int) -> Status? {
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // The first of these is the third of the table.
        guard fields.count > 21, let user = Int(fields[11]), let system = Int(fields[12]),
            let threads = Int(fields[17]), let start = Int(fields[19]), let virtual = Int(fields[20]),
            let pages = Int(fields[21])
        else { return nil }
        return Status(
            residentBytes: pages * pageSize, virtualBytes: virtual, cpuTicks: user + system, startTicks: start,
            threads: threads)
    }

    private static func bootTime() -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8) else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("btime ") { return Int(line.dropFirst(6)) }
        return nil
    }
}
