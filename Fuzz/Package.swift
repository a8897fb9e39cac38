// swift-tools-version:6.2
import PackageDescription

// libFuzzer targets, run by `Scripts/fuzz`. The sources under test are linked in (symbolic links in `Sources/`) instead
// of depended on, so that they are built with the sanitizers and nothing but NIOCore is built beside them.
let sanitizers = ["-sanitize=fuzzer,address"]
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .unsafeFlags(sanitizers + ["-parse-as-library"]),
]
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

func fuzzer(_ name: String) -> Target {
    .executableTarget(
        name: name,
        dependencies: ["FuzzDriver", "NeedletailCore", "NeedletailProviders", nio, httpTypes],
        swiftSettings: settings,
        linkerSettings: [.unsafeFlags(sanitizers + ["-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "muldefs"])]
    )
}

let package = Package(
    name: "needletail-fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .target(name: "CNeedletailScan", cSettings: [.unsafeFlags(["-fsanitize=address"])]),
        .target(
            name: "NeedletailCore",
            dependencies: ["CNeedletailScan", nio, httpTypes, logging],
            swiftSettings: settings),
        .target(
            name: "NeedletailProviders",
            dependencies: ["NeedletailCore", nio, httpTypes, logging],
            // What would have a cryptographic library built beside it.
            exclude: ["AWSCredentialCache", "AWSCredentials", "AWSRequestSigner", "AWSRoleCredentials", "AWSSignature"]
                .map { "Auth/\($0).swift" },
            swiftSettings: settings),
        .target(name: "FuzzDriver"),
        fuzzer("FuzzJSON"), fuzzer("FuzzSSE"), fuzzer("FuzzRequestPeek"), fuzzer("FuzzRequests"), fuzzer("FuzzReplies"),
        fuzzer("FuzzStreams"),
    ]
)
