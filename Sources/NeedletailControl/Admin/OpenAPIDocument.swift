import NIOCore
import NIOHTTP1
import NeedletailCore

/// Writes routes as an OpenAPI document (https://spec.openapis.org/oas/v3.1.0).
struct OpenAPIDocument {
    let sections: [AdminRouter.Section]

    /// The document.
    var bytes: ByteBuffer {
        AdminReply.object { json in
            json.member("openapi", "3.1.0")
            json.member("info") { json in
                json.member("title", "Needletail administration")
                json.member("version", "1")
            }
            json.member("servers", objects: [AdminRoute.root]) { $0.member("url", $1) }
            // A key, or on this machine none.
            json.key("security")
            json.beginArray()
            json.beginObject()
            json.member("key", texts: [])
            json.endObject()
            json.beginObject()
            json.endObject()
            json.endArray()
            json.member("tags", objects: self.sections) { $0.member("name", $1.title) }
            json.member("paths") { self.paths(into: &$0) }
            json.member("components") { Self.components(into: &$0) }
        }.body
    }

    private func paths(into json: inout JSONWriter) {
        var paths: [String] = []
        var operations: [String: [(String, AdminRoute)]] = [:]
        for section in self.sections {
            for route in section.routes {
                if operations[route.path.description] == nil { paths.append(route.path.description) }
                operations[route.path.description, default: []].append((section.title, route))
            }
        }
        for path in paths {
            json.key(path)
            json.beginObject()
            for (title, route) in operations[path] ?? [] {
                json.key(route.method.rawValue.lowercased())
                json.beginObject()
                Self.operation(route, title, into: &json)
                json.endObject()
            }
            json.endObject()
        }
    }

    private static func operation(_ route: AdminRoute, _ title: String, into json: inout JSONWriter) {
        let words = route.path.description.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        json.member("operationId", ([route.method.rawValue.lowercased()] + words).joined(separator: "_"))
        json.member("summary", route.summary)
        json.member("tags", texts: [title])
        json.member("x-permission", route.permission.rawValue)
        json.key("parameters")
        json.beginArray()
        for name in route.path.parameters {
            json.beginObject()
            json.member("name", name)
            json.member("in", "path")
            json.member("required", true)
            json.member("schema") { $0.member("type", "string") }
            json.endObject()
        }
        for field in route.query {
            json.beginObject()
            json.member("name", field.name)
            json.member("in", "query")
            json.member("description", field.summary)
            if field.isRequired { json.member("required", true) }
            json.member("schema") { Self.schema(field.kind, into: &$0) }
            json.endObject()
        }
        json.endArray()
        Self.body(route.body, into: &json)
        json.member("responses") { json in
            json.key(String(route.status))
            json.beginObject()
            json.member("description", "What was asked for.")
            if route.status != 204 {
                json.member("content") { json in
                    json.key("application/json")
                    json.beginObject()
                    json.member("schema") { $0.member("type", "object") }
                    json.endObject()
                }
            }
            json.endObject()
            json.key("default")
            json.beginObject()
            json.member("$ref", "#/components/responses/Error")
            json.endObject()
        }
    }

    private static func body(_ body: AdminRoute.Body, into json: inout JSONWriter) {
        if case .none = body { return }
        json.member("requestBody") { json in
            if case .fields(let fields) = body { json.member("required", fields.contains(where: \.isRequired)) }
            if case .object(let summary) = body {
                json.member("description", summary)
                json.member("required", true)
            }
            json.member("content") { json in
                json.key("application/json")
                json.beginObject()
                json.member("schema") { json in
                    json.member("type", "object")
                    guard case .fields(let fields) = body else { return }
                    json.member("additionalProperties", false)
                    let required = fields.filter(\.isRequired).map(\.name)
                    if !required.isEmpty { json.member("required", texts: required) }
                    json.member("properties") { json in
                        for field in fields {
                            json.key(field.name)
                            json.beginObject()
                            json.member("description", field.summary)
                            Self.schema(field.kind, into: &json)
                            json.endObject()
                        }
                    }
                }
                json.endObject()
            }
        }
    }

    private static func schema(_ kind: AdminField.Kind, into json: inout JSONWriter) {
        switch kind {
        case .text: json.member("type", "string")
        case .integer(let range):
            json.member("type", "integer")
            json.member("minimum", range.lowerBound)
            json.member("maximum", range.upperBound)
        case .number: json.member("type", "number")
        case .boolean: json.member("type", "boolean")
        case .word(let words):
            json.member("type", "string")
            json.member("enum", texts: words)
        case .object: json.member("type", "object")
        case .list: json.member("type", "array")
        case .orNull(let kind):
            json.key("anyOf")
            json.beginArray()
            json.beginObject()
            Self.schema(kind, into: &json)
            json.endObject()
            json.beginObject()
            json.member("type", "null")
            json.endObject()
            json.endArray()
        }
    }

    private static func components(into json: inout JSONWriter) {
        json.member("securitySchemes") { json in
            json.member("key") { json in
                json.member("type", "http")
                json.member("scheme", "bearer")
            }
        }
        json.member("responses") { json in
            json.member("Error") { json in
                json.member("description", "Why not: 400, 401, 403, 404, 405, 409, 412, 413, 422, 429 or 503.")
                json.member("content") { json in
                    json.key("application/json")
                    json.beginObject()
                    json.member("schema") { $0.member("$ref", "#/components/schemas/Error") }
                    json.endObject()
                }
            }
        }
        json.member("schemas") { json in
            json.member("Error") { json in
                json.member("type", "object")
                json.member("required", texts: ["error"])
                json.member("properties") { json in
                    json.member("error") { json in
                        json.member("type", "object")
                        json.member("required", texts: ["type", "message"])
                        json.member("properties") { json in
                            json.member("type") { $0.member("type", "string") }
                            json.member("message") { $0.member("type", "string") }
                            for name: StaticString in ["did_you_mean", "faults"] {
                                json.member(name) { json in
                                    json.member("type", "array")
                                    json.member("items") { $0.member("type", "string") }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
