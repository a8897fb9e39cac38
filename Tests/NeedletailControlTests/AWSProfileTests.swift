import Foundation
import NeedletailCore
import NeedletailProviders
import Testing

@testable import NeedletailControl

@Suite("Amazon's shared files")
struct AWSProfileTests {
    private static let credentials = """
        # comment
        [default]
        aws_access_key_id = AKIADEFAULT
        aws_secret_access_key=one ; why
        [work]
        AWS_ACCESS_KEY_ID=AKIAWORK
        aws_secret_access_key = a+b/c==
        aws_session_token = tok
        """
    private static let config = """
        [default]
        region = eu-west-1
        s3 =
          aws_secret_access_key = nested
        [profile work]
        region=us-east-1
        [profile "role"]
        role_arn = arn:aws:iam::1:role/x
        source_profile = work
        """

    private static let time = TimeSource(now: { Instant(nanoseconds: 0) }, wallSeconds: { 0 }, sleep: { _ in })

    private func withFiles<Result>(_ body: (AWSProfileFiles) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let paths = ["credentials", "config"].map { folder.appendingPathComponent($0) }
        try Self.credentials.write(to: paths[0], atomically: true, encoding: .utf8)
        try Self.config.write(to: paths[1], atomically: true, encoding: .utf8)
        return try await body(
            AWSProfileFiles(environment: [
                "AWS_SHARED_CREDENTIALS_FILE": paths[0].path, "AWS_CONFIG_FILE": paths[1].path,
            ]))
    }

    @Test("both files, one profile")
    func values() async throws {
        try await self.withFiles { files in
            #expect(
                files.values(of: "default") == [
                    "aws_access_key_id": "AKIADEFAULT", "aws_secret_access_key": "one", "region": "eu-west-1", "s3": "",
                ])
            #expect(files.values(of: "work")["aws_secret_access_key"] == "a+b/c==")
            #expect(files.values(of: "work")["region"] == "us-east-1")
            #expect(files.values(of: "none") == [:])
        }
    }

    @Test("keys, with their session")
    func keys() async throws {
        try await self.withFiles { files in
            let source = AWSProfileCredentials(files: files, profile: "work", isDemanded: true, time: Self.time)
            let found = try #require(try await source.credentials(deadline: nil))
            #expect(found.accessKeyID == "AKIAWORK")
            #expect(found.sessionToken == "tok")
        }
    }

    @Test("a profile that is demanded and has no keys is a fault, one that is not demanded is none")
    func absent() async throws {
        try await self.withFiles { files in
            for (profile, word) in [("none", "not there"), ("role", "role_arn")] {
                let source = AWSProfileCredentials(files: files, profile: profile, isDemanded: true, time: Self.time)
                let error = await #expect(throws: NeedletailError.self) { try await source.credentials(deadline: nil) }
                #expect(error?.code == .credentialRejected)
                #expect(error?.message.contains(profile) == false)
                let cause = try #require(error?.cause as? AWSProfileFault)
                #expect(cause.description.contains(word))
                let other = AWSProfileCredentials(files: files, profile: profile, isDemanded: false, time: Self.time)
                #expect(try await other.credentials(deadline: nil) == nil)
            }
        }
    }
}
