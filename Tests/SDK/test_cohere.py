"""Cohere's official SDK, to every kind of upstream."""

import json

import cohere
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


@pytest.fixture
def coh(gateway):
    return cohere.ClientV2(api_key=KEY, base_url=gateway.base, timeout=60)


def test_chat(coh, upstream):
    reply = coh.chat(model=f"{upstream}/counted", messages=HELLO, max_tokens=100)
    assert reply.message.content[0].text == "Counted words."
    assert reply.finish_reason == "COMPLETE"
    assert (reply.usage.tokens.input_tokens, reply.usage.tokens.output_tokens) == (12, 34)


def test_stream(coh, upstream):
    events = list(coh.chat_stream(model=f"{upstream}/counted", messages=HELLO))
    assert events[0].type == "message-start" and events[-1].type == "message-end"
    text = "".join(e.delta.message.content.text for e in events if e.type == "content-delta")
    assert text == "Counted words."
    assert events[-1].delta.usage.tokens.output_tokens == 34


def test_tools_round_trip(coh, upstream):
    first = coh.chat(model=f"{upstream}/parallel", messages=[{"role": "user", "content": "tell me"}], tools=[WEATHER])
    calls = first.message.tool_calls
    assert first.finish_reason == "TOOL_CALL"
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ['Köln "Süd"', "Bonn"]
    messages = [
        {"role": "user", "content": "tell"},
        {"role": "assistant", "tool_calls": [call.model_dump() for call in calls]},
        *({"role": "tool", "tool_call_id": call.id, "content": "Sunny"} for call in calls),
    ]
    second = coh.chat(model=f"{upstream}/counted", messages=messages, tools=[WEATHER])
    assert second.message.content[0].text == "Counted words."


def test_parallel_calls_streamed(coh, upstream):
    events = list(coh.chat_stream(
        model=f"{upstream}/parallel", messages=[{"role": "user", "content": "tell me"}], tools=[WEATHER]))
    assert sum(1 for e in events if e.type == "tool-call-start") == 2
    assert sum(1 for e in events if e.type == "tool-call-end") == 2


@pytest.mark.parametrize("model, kind", [
    ("bad-request", cohere.BadRequestError), ("no-model", cohere.NotFoundError),
    ("limited", cohere.TooManyRequestsError),
])
def test_errors(coh, upstream, model, kind):
    with pytest.raises(kind):
        coh.chat(model=f"{upstream}/{model}", messages=HELLO, request_options={"max_retries": 0})
