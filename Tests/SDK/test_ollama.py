"""Ollama's official client, to every kind of upstream."""

import base64

import ollama
import pydantic
import pytest
from conftest import KEY

HELLO = [{"role": "user", "content": "Hello there"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@pytest.fixture
def oll(gateway):
    return ollama.Client(host=gateway.base, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)


def test_chat(oll, upstream):
    reply = oll.chat(model=f"{upstream}/counted", messages=HELLO, options={"num_predict": 100})
    assert reply.message.content == "Counted words."
    assert reply.done and reply.done_reason == "stop"
    assert (reply.prompt_eval_count, reply.eval_count) == (12, 34)


def test_stream(oll, upstream):
    chunks = list(oll.chat(model=f"{upstream}/counted", messages=HELLO, stream=True))
    assert "".join(chunk.message.content or "" for chunk in chunks) == "Counted words."
    assert [chunk.done for chunk in chunks].count(True) == 1 and chunks[-1].done
    assert chunks[-1].eval_count == 34


def test_generate(oll, upstream):
    reply = oll.generate(model=f"{upstream}/counted", prompt="Hello there", system="Be brief.")
    assert reply.response == "Counted words."
    chunks = list(oll.generate(model=f"{upstream}/counted", prompt="Hello there", stream=True))
    assert "".join(chunk.response for chunk in chunks) == "Counted words."


def test_tools_round_trip(oll, upstream):
    first = oll.chat(model=f"{upstream}/parallel", messages=[{"role": "user", "content": "tell me"}], tools=[WEATHER])
    calls = first.message.tool_calls
    assert [call.function.arguments["city"] for call in calls] == ['Köln "Süd"', "Bonn"]
    messages = [
        {"role": "user", "content": "tell"}, first.message,
        {"role": "tool", "tool_name": "weather", "content": "Sunny"},
        {"role": "tool", "tool_name": "weather", "content": "Rain"},
    ]
    second = oll.chat(model=f"{upstream}/counted", messages=messages, tools=[WEATHER])
    assert second.message.content == "Counted words."


def test_vision(oll, upstream):
    message = {"role": "user", "content": "What is it?", "images": [PIXEL]}
    assert oll.chat(model=f"{upstream}/counted", messages=[message]).message.content == "Counted words."


def test_schema(oll, upstream):
    class City(pydantic.BaseModel):
        name: str
        people: int

    reply = oll.chat(model=f"{upstream}/mock-model", messages=HELLO, format=City.model_json_schema())
    City.model_validate_json(reply.message.content)


@pytest.mark.parametrize("model, status", [("bad-request", 400), ("no-model", 404), ("limited", 429)])
def test_errors(oll, upstream, model, status):
    with pytest.raises(ollama.ResponseError) as caught:
        oll.chat(model=f"{upstream}/{model}", messages=HELLO)
    assert caught.value.status_code == status and caught.value.error


def test_error_inside_a_stream(oll, upstream):
    with pytest.raises(ollama.ResponseError):
        for _ in oll.chat(model=f"{upstream}/fails-inside", messages=HELLO, stream=True):
            pass


def test_list(oll):
    assert any(model.model.endswith("mock-model") for model in oll.list().models)
