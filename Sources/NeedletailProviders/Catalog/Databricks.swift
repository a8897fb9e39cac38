import NeedletailCore

extension ProviderSpec {
    /// Databricks model serving: <https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference>.
    ///
    /// The base URL is the workspace, `https://….cloud.databricks.com`.
    public static let databricks = ProviderSpec(
        type: "databricks",
        dialects: [.openAIChat],
        baseURL: nil,
        auth: .bearer,
        paths: [.openAIChat: OperationPaths(prefix: "/serving-endpoints", version: nil, [.chat: "/chat/completions"])],
        environmentPrefix: "DATABRICKS",
        otherKeyVariables: ["DATABRICKS_TOKEN"],
        otherBaseURLVariables: ["DATABRICKS_HOST"],
        requiresKey: true,
        modelPrefixes: ["databricks-"]
    )
}
