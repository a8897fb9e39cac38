import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail status`: how a running gateway is, on one screen.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how a running gateway is: health, providers, breakers, budgets, configuration, last failures.",
        discussion: "Exit status 1 when nobody answers, and when the gateway is unhealthy."
    )

    @OptionGroup var admin: AdminOptions

    @concurrent
    func run() async throws {
        let report: StatusReport
        do throws(NeedletailError) {
            report = try await StatusReport.fetch(try self.admin.client())
        } catch {
            throw CommandFailure("needletail status: \(error.message)")
        }
        if self.admin.json {
            StandardStreams.output(report.json)
        } else {
            let screen = StatusScreen(report: report, width: Terminal.output.columns)
            for line in screen.lines { StandardStreams.output(line) }
        }
        if report.health?["status"]?.string == "unhealthy" { throw ExitCode(1) }
    }
}
