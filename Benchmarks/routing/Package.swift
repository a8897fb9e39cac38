// swift-tools-version:6.2
import PackageDescription

// Microseconds of routing, for each strategy. A package of its own, so that nothing else is built for it:
//     Scripts/bench --routing
let package = Package(
    name: "routing-benchmark",
    dependencies: [
        .package(name: "needletail", path: "../.."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .target(name: "CAllocationCount"),
        .executableTarget(
            name: "RoutingBenchmark",
            dependencies: [
                "CAllocationCount",
                .product(name: "NeedletailRouting", package: "needletail"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]
        ),
    ]
)
