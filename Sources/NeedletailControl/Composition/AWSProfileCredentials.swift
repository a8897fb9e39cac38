import Foundation
import NeedletailCore
import NeedletailProviders

/// The keys of a profile in Amazon's shared files.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>. The files are read anew now and then, since tools
/// put keys there that end.
struct AWSProfileCredentials: AWSCredentialSource {
    /// How long keys are believed that a file does not say the end of.
    private static let life = Duration.seconds(900)

    let files: AWSProfileFiles
    let profile: String
    /// Whether somebody asked for this profile, so that its absence is a fault.
    let isDemanded: Bool
    let time: TimeSource

    func credentials(deadline: Instant?) async throws(NeedletailError) -> AWSCredentials? {
        let values = self.files.values(of: self.profile)
        if let id = values["aws_access_key_id"], let key = values["aws_secret_access_key"] {
            return AWSCredentials(
                accessKeyID: id, secretAccessKey: key, sessionToken: values["aws_session_token"],
                expires: self.time.now().advanced(by: Self.life))
        }
        guard self.isDemanded else { return nil }
        let other = ["role_arn", "sso_session", "sso_start_url", "credential_process", "web_identity_token_file"]
        let reason = other.first { values[$0] != nil }.map { "has \($0), which is not supported" }
        throw NeedletailError(
            .credentialRejected, "The gateway has no credentials for the provider.",
            cause: AWSProfileFault(profile: self.profile, reason: reason ?? "has no keys, or is not there"))
    }
}

/// What is wrong with a profile, for the operator.
struct AWSProfileFault: Error, CustomStringConvertible {
    let profile: String
    let reason: String

    var description: String { "the AWS profile '\(self.profile)' \(self.reason)" }
}

/// Amazon's two shared files.
struct AWSProfileFiles: Sendable {
    let credentialsPath: String
    let configPath: String

    /// The files that the environment names, else those in the home folder.
    init(environment: [String: String]) {
        let home = environment["HOME"] ?? NSHomeDirectory()
        self.credentialsPath = environment["AWS_SHARED_CREDENTIALS_FILE"] ?? home + "/.aws/credentials"
        self.configPath = environment["AWS_CONFIG_FILE"] ?? home + "/.aws/config"
    }

    /// What both files say of a profile; the file for credentials goes before.
    func values(of profile: String) -> [String: String] {
        let config = Self.section(
            profile == "default" ? ["default", "profile default"] : ["profile \(profile)"], in: self.configPath)
        return config.merging(Self.section([profile], in: self.credentialsPath)) { $1 }
    }

    private static func section(_ names: [String], in path: String) -> [String: String] {
        guard let data = FileManager.default.contents(atPath: path) else { return [:] }
        return Self.section(names, text: String(decoding: data, as: UTF8.self))
    }

    /// The values of the sections with one of these names; a value that is nested below another is none of them.
    static func section(_ names: [String], text: String) -> [String: String] {
        var values: [String: String] = [:]
        var isInside = false
        for line in text.split(whereSeparator: \.isNewline) {
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            guard let first = trimmed.first, first != "#", first != ";" else { continue }
            if first == "[" {
                let name = trimmed.dropFirst().prefix { $0 != "]" }
                let words = name.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                isInside = names.contains(words.replacingOccurrences(of: "\"", with: ""))
            } else if isInside, line.first?.isWhitespace == false, let mark = trimmed.firstIndex(of: "=") {
                let key = trimmed[..<mark].trimmingCharacters(in: .whitespaces).lowercased()
                var value = trimmed[trimmed.index(after: mark)...].trimmingCharacters(in: .whitespaces)
                for comment in [" #", " ;"] {
                    if let start = value.range(of: comment) { value = String(value[..<start.lowerBound]) }
                }
                values[key] = value.trimmingCharacters(in: .whitespaces)
            }
        }
        return values
    }
}
