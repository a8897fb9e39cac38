// swift-tools-version:6.2
import PackageDescription

// Microseconds of choosing a target, for each strategy. A package of its own, so that nothing else is built for it:
//     swift run -c release --package-path Benchmarks/routing
let package = Package(
    name: "routing-benchmark",
    dependencies: [.package(name: "needletail", path: "../..")],
    targets: [
        .executableTarget(
            name: "RoutingBenchmark",
            dependencies: [.product(name: "NeedletailRouting", package: "needletail")],
            swiftSettings: [.swiftLanguageMode(.v6)]
        )
    ]
)
