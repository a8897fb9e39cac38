// swift-tools-version:6.2
import PackageDescription

// One list for every target. Warnings become errors in CI (`Scripts/test`), not here: a newer toolchain must build.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .strictMemorySafety(),
]

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let inMemoryTracing = Target.Dependency.product(name: "InMemoryTracing", package: "swift-distributed-tracing")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")

let package = Package(
    name: "needletail",
    products: [
        .library(name: "Needletail", targets: ["Needletail"]),
        .library(name: "NeedletailRouting", targets: ["NeedletailCore", "NeedletailRouting"]),
        .executable(name: "needletail", targets: ["NeedletailCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        .target(name: "CNeedletailSystem"),
        .target(name: "CNeedletailScan"),
        // The dashboard's files, compiled in with `#embed`.
        .target(name: "CNeedletailDashboard", exclude: ["Static"]),
        .target(
            name: "NeedletailCore",
            dependencies: ["CNeedletailScan", nio, httpTypes, logging],
            swiftSettings: settings
        ),
        .target(
            name: "NeedletailProviders",
            dependencies: ["NeedletailCore", nio, httpTypes, logging, crypto],
            swiftSettings: settings
        ),
        .target(
            name: "NeedletailRouting",
            dependencies: ["NeedletailCore", nio, httpTypes, logging, collections, tracing],
            swiftSettings: settings
        ),
        .target(
            name: "NeedletailTransport",
            dependencies: [
                "NeedletailCore", nio, nioPosix, nioHTTP1, nioTLS, nioSSL, nioHTTP2, httpTypes, logging, collections,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "NeedletailStore",
            dependencies: [
                "NeedletailCore", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "NeedletailGateway",
            dependencies: [
                "NeedletailCore", "NeedletailProviders", "NeedletailRouting", "NeedletailTransport",
                nio, nioPosix, nioHTTP1, nioTLS, nioSSL, nioHTTP2, httpTypes, logging, collections,
                "CNeedletailSystem",
            ],
            swiftSettings: settings
        ),
        .target(
            name: "NeedletailControl",
            dependencies: [
                "Needletail", "NeedletailCore", "NeedletailProviders", "NeedletailRouting", "NeedletailTransport",
                "NeedletailGateway", "NeedletailStore", "CNeedletailSystem", "CNeedletailDashboard",
                nio, nioPosix, nioHTTP1, nioSSL, httpTypes, logging, crypto, cryptoExtras,
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Yams", package: "Yams"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Needletail",
            dependencies: [
                "NeedletailCore", "NeedletailProviders", "NeedletailRouting", "NeedletailTransport",
                nio, nioPosix, httpTypes, logging,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "NeedletailCLI",
            dependencies: [
                "NeedletailControl", "NeedletailCore", "NeedletailGateway", "NeedletailProviders", "NeedletailStore",
                "NeedletailTransport",
                "Needletail", nio, nioPosix, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "NeedletailTesting",
            dependencies: ["NeedletailCore", "NeedletailRouting", nio, nioPosix, httpTypes, logging],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "ChatExample",
            dependencies: ["Needletail"],
            path: "Examples/Chat",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "FailoverExample",
            dependencies: ["Needletail"],
            path: "Examples/Failover",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "BalancerExample",
            dependencies: ["Needletail"],
            path: "Examples/Balancer",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "EmbeddingsExample",
            dependencies: ["Needletail"],
            path: "Examples/Embeddings",
            swiftSettings: settings
        ),
        .testTarget(
            name: "NeedletailCoreTests",
            dependencies: ["NeedletailCore", "NeedletailTesting", nio, httpTypes, logging],
            swiftSettings: settings
        ),
        .testTarget(
            name: "NeedletailProvidersTests",
            dependencies: ["NeedletailProviders", "NeedletailCore", "NeedletailTesting", nio, httpTypes, logging],
            swiftSettings: settings
        ),
        .testTarget(
            name: "NeedletailRoutingTests",
            dependencies: [
                "NeedletailRouting", "NeedletailProviders", "NeedletailCore", "NeedletailTesting", nio, httpTypes,
                logging,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "NeedletailTransportTests",
            dependencies: [
                "NeedletailTransport", "NeedletailCore", "NeedletailTesting",
                nio, nioEmbedded, nioPosix, nioHTTP1, nioSSL, nioHTTP2, httpTypes, logging,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "NeedletailStoreTests",
            dependencies: ["NeedletailStore", "NeedletailCore", "NeedletailTesting"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "NeedletailGatewayTests",
            dependencies: [
                "NeedletailGateway", "NeedletailCore", "NeedletailProviders", "NeedletailRouting",
                "NeedletailTransport", "NeedletailTesting", nio, nioEmbedded, nioPosix, nioHTTP1, nioSSL, httpTypes,
                logging,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "NeedletailControlTests",
            dependencies: [
                "NeedletailControl", "NeedletailGateway", "NeedletailCore", "NeedletailProviders",
                "NeedletailRouting", "NeedletailStore", "NeedletailTesting", "NeedletailCLI", nio, nioPosix, nioHTTP1,
                httpTypes, logging,
                cryptoExtras, .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "NeedletailTests",
            dependencies: [
                "Needletail", "NeedletailCore", "NeedletailProviders", "NeedletailRouting", "NeedletailTransport",
                "NeedletailTesting", nio, nioPosix, httpTypes, logging, tracing, inMemoryTracing,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ConformanceTests",
            dependencies: [
                "NeedletailGateway", "NeedletailCore", "NeedletailProviders", "NeedletailTesting",
                nio, nioPosix, httpTypes, logging,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "NeedletailControl", "NeedletailGateway", "NeedletailCore", "NeedletailProviders",
                "NeedletailRouting", "NeedletailTransport",
                "NeedletailTesting", nio, nioPosix, nioHTTP1, nioHTTP2, nioSSL, httpTypes, logging,
            ],
            swiftSettings: settings
        ),
    ]
)
