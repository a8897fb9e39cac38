"""Google's official SDK, to every kind of upstream."""

import base64

import pydantic
import pytest
from conftest import KEY
from google import genai
from google.genai import errors, types

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
WEATHER = types.Tool(function_declarations=[types.FunctionDeclaration(
    name="weather",
    description="The weather in a city",
    parameters=types.Schema(
        type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}, required=["city"]),
)])


@pytest.fixture
def gem(gateway):
    return genai.Client(
        api_key=KEY, http_options=types.HttpOptions(base_url=gateway.base, timeout=60_000))


def test_generate(gem, upstream):
    reply = gem.models.generate_content(
        model=f"{upstream}/counted",
        contents="Hello there",
        config=types.GenerateContentConfig(system_instruction="Be brief.", max_output_tokens=100, temperature=0.5),
    )
    assert reply.text == "Counted words."
    assert reply.candidates[0].finish_reason == types.FinishReason.STOP
    assert reply.usage_metadata.prompt_token_count == 12
    assert reply.usage_metadata.candidates_token_count == 34


def test_length(gem, upstream):
    reply = gem.models.generate_content(
        model=f"{upstream}/mock-model", contents="Hello there", config={"max_output_tokens": 3})
    assert reply.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS


def test_stream(gem, upstream):
    chunks = list(gem.models.generate_content_stream(model=f"{upstream}/counted", contents="Hello there"))
    assert "".join(chunk.text or "" for chunk in chunks) == "Counted words."
    assert chunks[-1].usage_metadata.candidates_token_count == 34
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


def test_tools_round_trip(gem, upstream):
    config = types.GenerateContentConfig(
        tools=[WEATHER],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    question = types.Content(role="user", parts=[types.Part(text="What is the weather in Bonn?")])
    first = gem.models.generate_content(model=f"{upstream}/mock-model", contents=[question], config=config)
    call = first.function_calls[0]
    assert call.name == "weather" and isinstance(call.args, dict)
    answer = types.Content(role="user", parts=[types.Part(function_response=types.FunctionResponse(
        id=call.id, name=call.name, response={"result": "Sunny"}))])
    second = gem.models.generate_content(
        model=f"{upstream}/counted",
        contents=[question, first.candidates[0].content, answer],
        config=types.GenerateContentConfig(tools=[WEATHER]),
    )
    assert second.text == "Counted words."


def test_parallel_calls_streamed(gem, upstream):
    chunks = gem.models.generate_content_stream(
        model=f"{upstream}/parallel", contents="tell me", config=types.GenerateContentConfig(tools=[WEATHER]))
    calls = [call for chunk in chunks for call in chunk.function_calls or []]
    assert [call.args["city"] for call in calls] == ['Köln "Süd"', "Bonn"]


def test_vision(gem, upstream):
    reply = gem.models.generate_content(
        model=f"{upstream}/counted",
        contents=["What is it?", types.Part.from_bytes(data=PIXEL, mime_type="image/png")],
    )
    assert reply.text == "Counted words."


def test_schema(gem, upstream):
    class City(pydantic.BaseModel):
        name: str
        people: int

    reply = gem.models.generate_content(
        model=f"{upstream}/mock-model",
        contents="A city",
        config={"response_mime_type": "application/json", "response_schema": City},
    )
    assert isinstance(reply.parsed, City)


def test_count(gem, upstream):
    assert gem.models.count_tokens(model=f"{upstream}/counted", contents="Hello there").total_tokens > 0


@pytest.mark.parametrize("model, status, word", [
    ("bad-request", 400, "INVALID_ARGUMENT"),
    ("bad-key", 500, "INTERNAL"),
    ("no-model", 404, "NOT_FOUND"),
    ("limited", 429, "RESOURCE_EXHAUSTED"),
])
def test_errors(gem, upstream, model, status, word):
    with pytest.raises(errors.APIError) as caught:
        gem.models.generate_content(model=f"{upstream}/{model}", contents="Hello there")
    assert (caught.value.code, caught.value.status) == (status, word)


def test_bad_key(gateway):
    client = genai.Client(api_key="wrong", http_options=types.HttpOptions(base_url=gateway.base, timeout=60_000))
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="oai/counted", contents="Hello there")
    assert caught.value.code == 401


def test_models(gem):
    names = [model.name for model in gem.models.list()]
    assert any(name.endswith("mock-model") for name in names)
