"""The official Anthropic SDK, to both kinds of upstream."""

import asyncio
import json

import anthropic
import pydantic
import pytest
from conftest import KEY, eventually, thinker

HELLO = [{"role": "user", "content": "Hello there"}]
WEATHER = {
    "name": "weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def ask(client, model, messages=HELLO, **options):
    return client.messages.create(model=model, max_tokens=options.pop("max_tokens", 2000), messages=messages, **options)


def test_chat(ant, upstream):
    reply = ask(ant, f"{upstream}/counted", system="Be brief.", extra_body={"temperature": 0.5})
    assert (reply.type, reply.role) == ("message", "assistant")
    assert [(b.type, b.text) for b in reply.content] == [("text", "Counted words.")]
    assert reply.stop_reason == "end_turn"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (12, 34)
    assert reply._request_id


def test_length_and_stop(ant, upstream):
    cut = ask(ant, f"{upstream}/mock-model", max_tokens=3)
    assert cut.stop_reason == "max_tokens"
    assert cut.usage.output_tokens == 3
    stopped = ask(ant, f"{upstream}/mock-model", stop_sequences=["answer"])
    assert stopped.content[0].text == "This is a mock "
    # OpenAI's dialect does not say which sequence it was, nor that it was one.
    assert stopped.stop_reason in (["stop_sequence"] if upstream == "ant" else ["stop_sequence", "end_turn"])


def test_stream(ant, upstream):
    with ant.messages.stream(model=f"{upstream}/counted", max_tokens=2000, messages=HELLO) as stream:
        events = list(stream)
        message = stream.get_final_message()
    names = [e.type for e in events]
    assert names[0] == "message_start" and names[-1] == "message_stop"
    assert names.count("content_block_start") == names.count("content_block_stop") == 1
    assert message.content[0].text == "Counted words."
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (12, 34)


def test_stream_chunks_arrive_one_by_one(ant, upstream):
    with ant.messages.stream(model=f"{upstream}/twenty", max_tokens=2000, messages=HELLO) as stream:
        assert sum(1 for e in stream if e.type == "content_block_delta") == 20


def round_trip(client, model, content):
    results = [
        {"type": "tool_result", "tool_use_id": b.id, "content": "sunny"} for b in content if b.type == "tool_use"
    ]
    messages = [*HELLO, {"role": "assistant", "content": content}, {"role": "user", "content": results}]
    return ask(client, model, messages, tools=[WEATHER])


def test_tools(ant, upstream):
    model = f"{upstream}/mock-model"
    reply = ask(ant, model, tools=[WEATHER], tool_choice={"type": "any"})
    call = next(b for b in reply.content if b.type == "tool_use")
    assert reply.stop_reason == "tool_use"
    assert call.name == "weather" and isinstance(call.input["city"], str)
    assert "sunny" in round_trip(ant, model, reply.content).content[0].text


@pytest.mark.parametrize("choice", ["tool", "auto", "none"])
def test_tool_choice(ant, upstream, choice):
    named = {"name": "weather"} if choice == "tool" else {}
    reply = ask(ant, f"{upstream}/mock-model", tools=[WEATHER], tool_choice={"type": choice, **named})
    assert any(b.type == "tool_use" for b in reply.content) == (choice == "tool")


@pytest.mark.parametrize("streams", [False, True])
def test_parallel_tools(ant, upstream, streams):
    messages = [{"role": "user", "content": "tell me the weather in both"}]
    if streams:
        with ant.messages.stream(
            model=f"{upstream}/parallel", max_tokens=2000, messages=messages, tools=[WEATHER]
        ) as stream:
            fragments = sum(1 for e in stream if e.type == "input_json")
            reply = stream.get_final_message()
        # Some upstreams send the arguments of a call in one piece.
        assert fragments >= (2 if upstream in ("gem", "oll") else 4)
    else:
        reply = ask(ant, f"{upstream}/parallel", messages, tools=[WEATHER])
    calls = [b for b in reply.content if b.type == "tool_use"]
    assert [c.input for c in calls] == [{"city": 'Köln "Süd"'}, {"city": "Bonn"}]
    assert len({c.id for c in calls}) == 2
    assert reply.stop_reason == "tool_use"
    content = [b.model_dump(include={"type", "id", "name", "input"}) for b in calls]
    results = [{"type": "tool_result", "tool_use_id": c.id, "content": "sunny"} for c in calls]
    second = [*messages, {"role": "assistant", "content": content}, {"role": "user", "content": results}]
    assert "sunny" in ask(ant, f"{upstream}/mock-model", second, tools=[WEATHER]).content[0].text


@pytest.mark.parametrize(
    "source",
    [
        {"type": "base64", "media_type": "image/png", "data": PIXEL},
        {"type": "url", "url": "https://example.com/cat.png"},
    ],
    ids=["base64", "url"],
)
def test_vision(ant, upstream, source):
    if upstream in ("oll", "bed") and not (source["type"] == "base64"):
        pytest.skip("Ollama and Bedrock take images in the request only, and the gateway fetches none unless it is allowed to")
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    reply = ask(ant, f"{upstream}/mock-model", [{"role": "user", "content": content}])
    assert "Images received: 1." in reply.content[0].text


class Person(pydantic.BaseModel):
    name: str
    age: int


def test_structured_output(ant, upstream):
    schema = Person.model_json_schema() | {"additionalProperties": False}
    reply = ask(
        ant, f"{upstream}/mock-model", output_config={"format": {"type": "json_schema", "schema": schema}}
    )
    assert Person.model_validate_json(reply.content[0].text)
    parsed = ant.messages.parse(
        model=f"{upstream}/mock-model", max_tokens=2000, messages=HELLO, output_format=Person
    )
    assert isinstance(parsed.parsed_output, Person)


THINKING = {"type": "enabled", "budget_tokens": 1024}


@pytest.mark.parametrize("streams", [False, True])
def test_thinking(ant, upstream, streams):
    if streams:
        with ant.messages.stream(
            model=thinker(upstream), max_tokens=4000, messages=HELLO, thinking=THINKING
        ) as stream:
            reply = stream.get_final_message()
    else:
        reply = ask(ant, thinker(upstream), max_tokens=4000, thinking=THINKING)
    assert [b.type for b in reply.content] == ["thinking", "text"]
    assert "mock pretends to think" in reply.content[0].thinking
    # The block goes back as it came; the mock refuses a signature of its own beside other text.
    messages = [*HELLO, {"role": "assistant", "content": reply.content}, {"role": "user", "content": "and now?"}]
    again = ask(ant, thinker(upstream), messages, max_tokens=4000, thinking=THINKING)
    assert again.content[-1].type == "text"
    if upstream == "ant":
        block = reply.content[0].model_dump() | {"thinking": "something else"}
        messages[1] = {"role": "assistant", "content": [block, *reply.content[1:]]}
        with pytest.raises(anthropic.BadRequestError) as caught:
            ask(ant, thinker(upstream), messages, max_tokens=4000, thinking=THINKING)
        assert "signature" in caught.value.message


@pytest.mark.parametrize(
    "model, error, status",
    [
        ("bad-request", anthropic.BadRequestError, 400),
        ("bad-key", anthropic.InternalServerError, 500),
        ("no-model", anthropic.NotFoundError, 404),
        ("limited", anthropic.RateLimitError, 429),
        ("broken", anthropic.InternalServerError, 502),
        ("unavailable", anthropic.InternalServerError, 529),
        ("overloaded", anthropic.InternalServerError, 529),
        ("silent", anthropic.InternalServerError, 504),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_upstream_errors(ant, upstream, model, error, status, streams):
    with pytest.raises(anthropic.APIStatusError) as caught:
        ask(ant, f"{upstream}/{model}", stream=streams)
    assert caught.value.status_code == status
    # Newer SDKs have classes of their own for some statuses.
    assert isinstance(caught.value, error) or status >= 500
    assert caught.value.request_id
    body = caught.value.body
    assert body["type"] == "error" and body["error"]["type"]
    if status == 400:
        assert "temperature is out of range" in caught.value.message
    if status == 429:
        assert 1 <= int(caught.value.response.headers["retry-after"]) <= 7
        assert body["error"]["type"] == "rate_limit_error"
    if status == 529:
        assert body["error"]["type"] == "overloaded_error"
    if status == 504:
        assert body["error"]["type"] == "timeout_error"


def test_own_errors(ant, upstream):
    with pytest.raises(anthropic.NotFoundError) as caught:
        ask(ant, "chat-servise")
    assert caught.value.body["error"]["type"] == "not_found_error"
    assert "chat-service" in caught.value.message
    with pytest.raises(anthropic.AuthenticationError) as caught:
        ask(ant.with_options(api_key="wrong"), f"{upstream}/mock-model")
    assert caught.value.body["error"]["type"] == "authentication_error"
    assert caught.value.request_id
    with pytest.raises(anthropic.BadRequestError):
        ask(ant, f"{upstream}/mock-model", max_tokens=-1)


def test_error_before_the_first_event_is_an_error_status(ant, upstream):
    with pytest.raises(anthropic.APIStatusError) as caught:
        ask(ant, f"{upstream}/fails-first", stream=True)
    assert caught.value.status_code >= 500


@pytest.mark.parametrize("model", ["cut", "fails-inside"])
def test_broken_streams_end_in_an_error(ant, upstream, model):
    text = 0
    with pytest.raises(anthropic.APIError):
        for event in ask(ant, f"{upstream}/{model}", stream=True):
            text += event.type == "content_block_delta"
            assert event.type != "message_stop"
    assert text == 4


def test_headers(ant, upstream):
    reply = ant.messages.with_raw_response.create(model=f"{upstream}/mock-model", max_tokens=50, messages=HELLO)
    assert reply.headers["request-id"]
    assert reply.headers["x-needletail-provider"] == upstream
    assert reply.headers["x-needletail-model"] == "mock-model"
    assert reply.headers["x-needletail-attempts"] == "1"


def test_client_retries(ant, gateway):
    before = gateway.model_stats("once-limited-anthropic")["requests"]
    reply = ask(ant.with_options(max_retries=2), "ant/once-limited-anthropic")
    assert reply.content
    assert gateway.model_stats("once-limited-anthropic")["requests"] == before + 2


def test_client_disconnect(ant, gateway, upstream):
    before = gateway.model_stats("long")["aborted"]
    stream = ask(ant, f"{upstream}/long", stream=True)
    for event in stream:
        if event.type == "content_block_delta":
            break
    stream.close()
    assert eventually(lambda: gateway.model_stats("long")["aborted"] == before + 1, 1)


def test_count_tokens(ant, upstream):
    small = ant.messages.count_tokens(model=f"{upstream}/mock-model", messages=HELLO).input_tokens
    large = ant.messages.count_tokens(
        model=f"{upstream}/mock-model", messages=HELLO, system="Be very brief. " * 20, tools=[WEATHER]
    ).input_tokens
    assert 0 < small < large


def test_models(ant):
    models = [m.id for m in ant.models.list()]
    assert "chat-service" in models
    assert ant.models.retrieve("chat-service").type == "model"
    with pytest.raises(anthropic.NotFoundError):
        ant.models.retrieve("no-such-model")


def test_async(gateway, upstream):
    async def run():
        async with anthropic.AsyncAnthropic(base_url=gateway.base, api_key=KEY, max_retries=0) as client:
            async def one():
                async with client.messages.stream(
                    model=f"{upstream}/counted", max_tokens=200, messages=HELLO
                ) as stream:
                    return (await stream.get_final_message()).content[0].text

            return await asyncio.gather(*(one() for _ in range(20)))

    assert asyncio.run(run()) == ["Counted words."] * 20


def test_tool_arguments_stream_as_json(ant, upstream):
    stream = ask(ant, f"{upstream}/parallel", [{"role": "user", "content": "tell me"}], tools=[WEATHER], stream=True)
    fragments = {}
    for event in stream:
        if event.type == "content_block_delta" and event.delta.type == "input_json_delta":
            fragments[event.index] = fragments.get(event.index, "") + event.delta.partial_json
    assert [json.loads(f) for f in fragments.values()] == [{"city": 'Köln "Süd"'}, {"city": "Bonn"}]
