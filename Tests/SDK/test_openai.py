"""The official OpenAI SDK, to both kinds of upstream."""

import asyncio
import json

import openai
import pydantic
import pytest
from conftest import KEY, NARROW_KEY, eventually, thinker

HELLO = [{"role": "user", "content": "Hello there"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_chat(oai, upstream):
    reply = oai.chat.completions.create(
        model=f"{upstream}/counted",
        messages=[{"role": "system", "content": "Be brief."}, *HELLO],
        max_tokens=100,
        temperature=0.5,
    )
    assert reply.object == "chat.completion"
    assert reply.choices[0].message.role == "assistant"
    assert reply.choices[0].message.content == "Counted words."
    assert reply.choices[0].finish_reason == "stop"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (12, 34, 46)
    assert reply._request_id


def test_length_and_stop(oai, upstream):
    cut = oai.chat.completions.create(model=f"{upstream}/mock-model", messages=HELLO, max_tokens=3)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage.completion_tokens == 3
    stopped = oai.chat.completions.create(model=f"{upstream}/mock-model", messages=HELLO, stop=["answer"])
    assert stopped.choices[0].message.content == "This is a mock "
    assert stopped.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("include", [True, False])
def test_stream(oai, upstream, include):
    options = {"stream_options": {"include_usage": True}} if include else {}
    stream = oai.chat.completions.create(
        model=f"{upstream}/counted", messages=HELLO, stream=True, max_tokens=100, **options
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "Counted words."
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert len({c.id for c in chunks}) == 1
    usages = [c.usage for c in chunks if c.usage]
    if include:
        assert len(usages) == 1 and not chunks[-1].choices
        assert (usages[0].prompt_tokens, usages[0].completion_tokens) == (12, 34)
    else:
        assert not usages


def test_stream_chunks_arrive_one_by_one(oai, upstream):
    stream = oai.chat.completions.create(model=f"{upstream}/twenty", messages=HELLO, stream=True)
    assert sum(1 for c in stream if c.choices and c.choices[0].delta.content) == 20


def test_stream_helper(oai, upstream):
    with oai.chat.completions.stream(model=f"{upstream}/counted", messages=HELLO) as stream:
        for _ in stream:
            pass
        assert stream.get_final_completion().choices[0].message.content == "Counted words."


def round_trip(client, model, first):
    """Answers every call of `first` and asks again."""
    calls = first["tool_calls"]
    results = [{"role": "tool", "tool_call_id": c["id"], "content": "sunny"} for c in calls]
    return client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "weather?"}, first, *results], tools=[WEATHER]
    )


def test_tools(oai, upstream):
    model = f"{upstream}/mock-model"
    reply = oai.chat.completions.create(model=model, messages=HELLO, tools=[WEATHER], tool_choice="required")
    call = reply.choices[0].message.tool_calls[0]
    assert reply.choices[0].finish_reason == "tool_calls"
    assert (call.type, call.function.name) == ("function", "weather")
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    answer = round_trip(oai, model, reply.choices[0].message.model_dump(exclude_none=True))
    assert "sunny" in answer.choices[0].message.content


@pytest.mark.parametrize("choice", [{"type": "function", "function": {"name": "weather"}}, "auto", "none"])
def test_tool_choice(oai, upstream, choice):
    reply = oai.chat.completions.create(
        model=f"{upstream}/mock-model", messages=HELLO, tools=[WEATHER], tool_choice=choice
    )
    assert bool(reply.choices[0].message.tool_calls) == isinstance(choice, dict)


@pytest.mark.parametrize("streams", [False, True])
def test_parallel_tools(oai, upstream, streams):
    ask = [{"role": "user", "content": "tell me the weather in both"}]
    request = {"model": f"{upstream}/parallel", "messages": ask, "tools": [WEATHER]}
    if streams:
        with oai.chat.completions.stream(**request) as stream:
            fragments = sum(1 for e in stream if e.type == "tool_calls.function.arguments.delta")
            message = stream.get_final_completion().choices[0].message
        assert fragments >= 4
    else:
        message = oai.chat.completions.create(**request).choices[0].message
    calls = message.tool_calls
    assert [json.loads(c.function.arguments) for c in calls] == [{"city": 'Köln "Süd"'}, {"city": "Bonn"}]
    assert len({c.id for c in calls}) == 2
    first = {
        "role": "assistant",
        "tool_calls": [
            {"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}}
            for c in calls
        ],
    }
    assert "sunny" in round_trip(oai, f"{upstream}/mock-model", first).choices[0].message.content


@pytest.mark.parametrize("url", [PIXEL, "https://example.com/cat.png"])
def test_vision(oai, upstream, url):
    if upstream in ("oll", "bed") and not (url == PIXEL):
        pytest.skip("Ollama and Bedrock take images in the request only, and the gateway fetches none unless it is allowed to")
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    reply = oai.chat.completions.create(
        model=f"{upstream}/mock-model", messages=[{"role": "user", "content": content}]
    )
    assert "Images received: 1." in reply.choices[0].message.content


class Address(pydantic.BaseModel):
    street: str
    number: int


class Person(pydantic.BaseModel):
    name: str
    address: Address
    tags: list[str]


def test_structured_output(oai, upstream):
    reply = oai.chat.completions.parse(model=f"{upstream}/mock-model", messages=HELLO, response_format=Person)
    person = reply.choices[0].message.parsed
    assert isinstance(person, Person) and isinstance(person.address.number, int)


def test_reasoning(oai, upstream):
    reply = oai.chat.completions.create(
        model=thinker(upstream), messages=HELLO, reasoning_effort="low", max_completion_tokens=4000
    )
    message = reply.choices[0].message
    assert "mock pretends to think" in message.reasoning_content
    assert "no model was asked" in message.content


def test_reasoning_streams(oai, upstream):
    stream = oai.chat.completions.create(
        model=thinker(upstream), messages=HELLO, reasoning_effort="low", max_completion_tokens=4000, stream=True
    )
    text = "".join(
        getattr(c.choices[0].delta, "reasoning_content", None) or "" for c in stream if c.choices
    )
    assert "mock pretends to think" in text


@pytest.mark.parametrize(
    "model, error, status",
    [
        ("bad-request", openai.BadRequestError, 400),
        ("bad-key", openai.InternalServerError, 500),
        ("no-model", openai.NotFoundError, 404),
        ("limited", openai.RateLimitError, 429),
        ("broken", openai.InternalServerError, 502),
        ("unavailable", openai.InternalServerError, 503),
        ("overloaded", openai.InternalServerError, 503),
        ("silent", openai.InternalServerError, 504),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_upstream_errors(oai, upstream, model, error, status, streams):
    with pytest.raises(error) as caught:
        oai.chat.completions.create(model=f"{upstream}/{model}", messages=HELLO, stream=streams)
    assert caught.value.status_code == status
    assert caught.value.request_id
    assert caught.value.type
    if status == 400:
        assert "temperature is out of range" in caught.value.message
    if status == 429:
        assert 1 <= int(caught.value.response.headers["retry-after"]) <= 7
        assert (caught.value.type, caught.value.code) == ("rate_limit_error", "rate_limit_exceeded")


def test_own_errors(oai, gateway, upstream):
    with pytest.raises(openai.NotFoundError) as caught:
        oai.chat.completions.create(model="chat-servise", messages=HELLO)
    assert caught.value.code == "model_not_found"
    assert "chat-service" in caught.value.message
    with pytest.raises(openai.AuthenticationError) as caught:
        oai.with_options(api_key="wrong").chat.completions.create(model=f"{upstream}/mock-model", messages=HELLO)
    assert caught.value.code == "invalid_api_key"
    assert caught.value.request_id
    with pytest.raises((openai.PermissionDeniedError, openai.NotFoundError)):
        oai.with_options(api_key=NARROW_KEY).chat.completions.create(model=f"{upstream}/mock-model", messages=HELLO)
    with pytest.raises(openai.BadRequestError):
        oai.chat.completions.create(model=f"{upstream}/mock-model", messages=HELLO, max_tokens=-1)
    with pytest.raises(openai.BadRequestError):
        oai.post("/chat/completions", body={"model": f"{upstream}/mock-model"}, cast_to=object)


def test_error_before_the_first_event_is_an_error_status(oai, upstream):
    with pytest.raises(openai.APIStatusError) as caught:
        oai.chat.completions.create(model=f"{upstream}/fails-first", messages=HELLO, stream=True)
    assert caught.value.status_code >= 500


@pytest.mark.parametrize("model", ["cut", "fails-inside"])
def test_broken_streams_end_in_an_error(oai, upstream, model):
    stream = oai.chat.completions.create(model=f"{upstream}/{model}", messages=HELLO, stream=True)
    text = 0
    with pytest.raises(openai.APIError):
        for chunk in stream:
            text += bool(chunk.choices and chunk.choices[0].delta.content)
            assert not (chunk.choices and chunk.choices[0].finish_reason)
    assert text == 4


def test_failover(oai):
    reply = oai.with_options(api_key=NARROW_KEY).chat.completions.with_raw_response.create(
        model="chat-service", messages=HELLO
    )
    assert reply.headers["x-needletail-provider"] == "ant"
    assert reply.headers["x-needletail-attempts"] == "2"
    assert reply.parse().choices[0].message.content


def test_headers(oai, upstream):
    reply = oai.chat.completions.with_raw_response.create(
        model=f"{upstream}/mock-model", messages=HELLO, extra_headers={"x-request-id": "my-own-id-123"}
    )
    assert reply.headers["x-request-id"] == "my-own-id-123"
    assert reply.headers["x-needletail-provider"] == upstream
    assert reply.headers["x-needletail-model"] == "mock-model"
    assert reply.headers["x-needletail-attempts"] == "1"
    assert float(reply.headers["x-needletail-overhead-ms"]) >= 0


def test_strict(oai):
    request = {"model": "ant/mock-model", "messages": HELLO, "logit_bias": {"1": 5}}
    lossy = oai.chat.completions.with_raw_response.create(**request)
    assert "logit_bias" in lossy.headers["x-needletail-lossy"].split(",")
    with pytest.raises(openai.BadRequestError) as caught:
        oai.chat.completions.create(**request, extra_headers={"x-needletail-strict": "true"})
    assert "logit_bias" in caught.value.message


def test_client_retries(oai, gateway):
    before = gateway.model_stats("once-limited-openai")["requests"]
    with pytest.raises(openai.RateLimitError):
        oai.chat.completions.create(model="oai/once-limited-openai", messages=HELLO)
    reply = oai.with_options(max_retries=2).chat.completions.create(model="oai/once-limited-openai", messages=HELLO)
    assert reply.choices[0].message.content
    assert gateway.model_stats("once-limited-openai")["requests"] == before + 2
    # What cannot get better is not asked again.
    before = gateway.model_stats("bad-request")["requests"]
    with pytest.raises(openai.BadRequestError):
        oai.with_options(max_retries=2).chat.completions.create(model="oai/bad-request", messages=HELLO)
    assert gateway.model_stats("bad-request")["requests"] == before + 1


def test_client_disconnect(oai, gateway, upstream):
    before = gateway.model_stats("long")["aborted"]
    stream = oai.chat.completions.create(model=f"{upstream}/long", messages=HELLO, stream=True)
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    stream.close()
    assert eventually(lambda: gateway.model_stats("long")["aborted"] == before + 1, 1)


def test_models(oai):
    models = [m.id for m in oai.models.list()]
    assert "chat-service" in models
    assert eventually(lambda: any(m.id.endswith("mock-model") for m in oai.models.list()), 5), models
    assert oai.models.retrieve("chat-service").object == "model"
    with pytest.raises(openai.NotFoundError):
        oai.models.retrieve("no-such-model")


def test_async(gateway, upstream):
    async def run():
        async with openai.AsyncOpenAI(base_url=gateway.base + "/v1", api_key=KEY, max_retries=0) as client:
            async def one():
                text = ""
                stream = await client.chat.completions.create(
                    model=f"{upstream}/counted", messages=HELLO, stream=True
                )
                async for chunk in stream:
                    if chunk.choices:
                        text += chunk.choices[0].delta.content or ""
                return text

            return await asyncio.gather(*(one() for _ in range(20)))

    assert asyncio.run(run()) == ["Counted words."] * 20


def test_legacy_functions(oai, upstream):
    reply = oai.chat.completions.create(
        model=f"{upstream}/mock-model",
        messages=HELLO,
        functions=[WEATHER["function"]],
        function_call={"name": "weather"},
    )
    assert reply.choices[0].finish_reason == "function_call"
    assert reply.choices[0].message.function_call.name == "weather"
