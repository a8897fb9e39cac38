import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("Schemas of structured output")
struct SchemaCheckTests {
    private static let person = ##"""
        {"type":"object","properties":{"name":{"type":"string","maxLength":5},"age":{"type":["integer","null"]},
        "tags":{"type":"array","items":{"enum":["a","b"]},"maxItems":2},"next":{"$ref":"#"}},
        "required":["name","age"],"additionalProperties":false}
        """##

    @Test(
        "a value follows its schema, or the first place where it does not is told",
        arguments: [
            (Self.person, #"{"name":"Ada","age":36,"tags":["a"]}"#, nil),
            (Self.person, #"{"name":"Ada","age":null,"next":{"name":"Bob","age":1.0}}"#, nil),
            (Self.person, #"{"name":"Ada"}"#, "$ lacks 'age'"),
            (Self.person, #"{"name":1,"age":1}"#, "$.name is of another type"),
            (Self.person, #"{"name":"Adelheid","age":1}"#, "$.name is too long"),
            (Self.person, #"{"name":"Ada","age":1.5}"#, "$.age is of another type"),
            (Self.person, #"{"name":"Ada","age":1,"tags":["c"]}"#, "$.tags[0] is none of the values that are allowed"),
            (Self.person, #"{"name":"Ada","age":1,"tags":["a","b","a"]}"#, "$.tags has too many elements"),
            (Self.person, #"{"name":"Ada","age":1,"next":{"name":"Bob"}}"#, "$.next lacks 'age'"),
            (Self.person, #"{"name":"Ada","age":1,"more":true}"#, "$'s other members may not be there"),
            (Self.person, "[]", "$ is of another type"),
            (
                ##"{"anyOf":[{"type":"string"},{"$ref":"#/$defs/n"}],"$defs":{"n":{"minimum":3,"type":"number"}}}"##,
                "4", nil
            ),
            (
                ##"{"anyOf":[{"type":"string"},{"$ref":"#/$defs/n"}],"$defs":{"n":{"minimum":3,"type":"number"}}}"##,
                "2",
                "$ is of none of the forms that are allowed"
            ),
            (#"{"allOf":[{"const":1.0},{"type":"integer"}]}"#, "1", nil),
            (##"{"$ref":"#"}"##, "1", nil),
            (#"{"type":"unheard-of","weird":true}"#, "1", nil),
        ] as [(String, String, String?)])
    func fault(schema: String, value: String, fault: String?) throws {
        let schema = try JSONDocument(ByteBuffer(string: schema)).root
        let value = try JSONDocument(ByteBuffer(string: value)).root
        #expect(SchemaCheck(schema).fault(of: value) == fault)
    }
}
