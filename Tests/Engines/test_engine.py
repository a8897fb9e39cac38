"""A real engine behind the gateway, asked by the official SDKs. Its words mean nothing; their form does."""

import json

import anthropic
import openai
import pytest

ASKED = {"messages": [{"role": "user", "content": "Grüße aus Köln!"}], "temperature": 0, "max_tokens": 12}
# A tool's argument that random weights can finish.
CITIES = ["Bonn", "Köln"]
SCHEMA = {
    "type": "object", "properties": {"city": {"type": "string", "enum": CITIES}}, "required": ["city"],
    "additionalProperties": False}
# Without `strict` vLLM holds the arguments to be JSON and not to follow the schema.
WEATHER = {"name": "weather", "description": "The weather in a city", "strict": True}
TOOLS = [{"type": "function", "function": WEATHER | {"parameters": SCHEMA}}]
NAMED = {"type": "function", "function": {"name": "weather"}}
LONG = {"max_tokens": 200}
# Anthropic's SDK has no argument for the temperature any more.
SAID = {"messages": ASKED["messages"], "max_tokens": ASKED["max_tokens"], "extra_body": {"temperature": 0}}


def test_models(engine, oai):
    assert {engine.chat, engine.embed} <= {model.id for model in oai.models.list()}


def test_chat(engine, oai):
    reply = oai.chat.completions.create(model=engine.chat, **ASKED)
    [choice] = reply.choices
    assert choice.message.role == "assistant" and len(choice.message.content) == 12
    assert choice.finish_reason == "length"
    assert reply.usage.completion_tokens == 12 and reply.usage.prompt_tokens > len("Grüße aus Köln!")
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + 12


def test_stream(engine, oai):
    whole = oai.chat.completions.create(model=engine.chat, **ASKED)
    chunks = list(oai.chat.completions.create(
        model=engine.chat, stream=True, stream_options={"include_usage": True}, **ASKED))
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert "".join(each.delta.content or "" for each in choices) == whole.choices[0].message.content
    assert [each.finish_reason for each in choices if each.finish_reason] == ["length"]
    # Tokens come together where the machine is busy.
    assert len([each for each in choices if each.delta.content]) > 1, "not a stream"
    usages = [(it.usage.prompt_tokens, it.usage.completion_tokens) for it in chunks if it.usage]
    assert usages == ([(whole.usage.prompt_tokens, 12)] if engine.streams_usage else [])


def test_stop(engine, oai):
    text = oai.chat.completions.create(model=engine.chat, **ASKED).choices[0].message.content
    stop = text[5:7]
    choice = oai.chat.completions.create(model=engine.chat, stop=[stop], **ASKED).choices[0]
    assert choice.message.content == text[:text.index(stop)] and choice.finish_reason == "stop"


def test_logprobs(engine, oai, direct):
    asked = ASKED | {"logprobs": True, "top_logprobs": 2}
    choice = oai.chat.completions.create(model=engine.chat, **asked).choices[0]
    assert "".join(each.token for each in choice.logprobs.content) == choice.message.content
    for each in choice.logprobs.content:
        assert each.logprob <= 0 and len(each.top_logprobs) == 2
    # What the engine says when it is asked without a gateway.
    own = direct.chat.completions.create(model=engine.chat.split("/")[1], **asked).choices[0]
    assert [each.token for each in choice.logprobs.content] == [each.token for each in own.logprobs.content]
    for each, other in zip(choice.logprobs.content, own.logprobs.content):
        assert [it.token for it in each.top_logprobs] == [it.token for it in other.top_logprobs]
        assert each.logprob == pytest.approx(other.logprob, abs=1e-3)


def test_forced_tool(engine, oai):
    reply = oai.chat.completions.create(model=engine.chat, tools=TOOLS, tool_choice=NAMED, **(ASKED | LONG))
    [call] = reply.choices[0].message.tool_calls
    assert call.function.name == "weather" and call.id
    assert json.loads(call.function.arguments)["city"] in CITIES


def test_forced_tool_streams(engine, oai):
    chunks = list(oai.chat.completions.create(
        model=engine.chat, tools=TOOLS, tool_choice=NAMED, stream=True, **(ASKED | LONG)))
    deltas = [call for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or []]
    assert "weather" in {call.function.name for call in deltas}
    assert {call.index for call in deltas} == {0}
    assert json.loads("".join(call.function.arguments or "" for call in deltas))["city"] in CITIES
    assert chunks[-1].choices == [] or chunks[-1].choices[0].finish_reason


def test_schema(only_vllm, engine, oai):
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
    reply = oai.chat.completions.create(model=engine.chat, response_format=form, **(ASKED | LONG))
    assert json.loads(reply.choices[0].message.content)["city"] in CITIES


def test_embeddings(engine, oai):
    words = ["Grüße aus Köln", "something else"]
    # The SDK asks for base64.
    reply = oai.embeddings.create(model=engine.embed, input=words)
    plain = oai.embeddings.create(model=engine.embed, input=words, encoding_format="float")
    assert [each.index for each in reply.data] == [0, 1]
    for one, other in zip(reply.data, plain.data):
        assert len(one.embedding) == 128
        assert one.embedding == pytest.approx(other.embedding, abs=1e-4)
    assert reply.data[0].embedding != pytest.approx(reply.data[1].embedding, abs=1e-2)
    assert reply.usage.prompt_tokens > 0


def test_completions(only_vllm, engine, oai):
    """The older form, which vLLM speaks itself."""
    reply = oai.completions.create(model=engine.chat, prompt="Once", temperature=0, max_tokens=5)
    assert len(reply.choices[0].text) == 5 and reply.usage.completion_tokens == 5


def test_responses(engine, oai):
    reply = oai.responses.create(model=engine.chat, input="Grüße aus Köln!", temperature=0, max_output_tokens=16)
    assert len(reply.output_text) == 16 and reply.usage.output_tokens == 16
    assert (reply.status, reply.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_no_such_model(only_vllm, engine, oai):
    """llama.cpp's server answers with its first model."""
    with pytest.raises(openai.NotFoundError):
        oai.chat.completions.create(model="engine/nobody", **ASKED)


def test_too_long(engine, oai):
    with pytest.raises(openai.BadRequestError) as caught:
        oai.chat.completions.create(
            model=engine.chat, messages=[{"role": "user", "content": "x" * 5000}], max_tokens=1)
    assert caught.value.body["type"] == "invalid_request_error"


# Anthropic's SDK


def test_messages(engine, oai, ant):
    whole = oai.chat.completions.create(model=engine.chat, **ASKED)
    reply = ant.messages.create(model=engine.chat, **SAID)
    assert [block.type for block in reply.content] == ["text"]
    assert reply.content[0].text == whole.choices[0].message.content
    assert reply.stop_reason == "max_tokens"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (whole.usage.prompt_tokens, 12)


def test_messages_stream(engine, ant):
    whole = ant.messages.create(model=engine.chat, **SAID)
    with ant.messages.stream(model=engine.chat, **SAID) as stream:
        text = "".join(stream.text_stream)
        reply = stream.get_final_message()
    assert text == reply.content[0].text == whole.content[0].text
    assert reply.stop_reason == "max_tokens"
    if engine.streams_usage:
        counts = (whole.usage.input_tokens, whole.usage.output_tokens)
        assert (reply.usage.input_tokens, reply.usage.output_tokens) == counts


def test_messages_forced_tool(engine, ant):
    tools = [WEATHER | {"input_schema": SCHEMA}]
    choice = {"type": "tool", "name": "weather"}
    reply = ant.messages.create(model=engine.chat, tools=tools, tool_choice=choice, **(SAID | LONG))
    with ant.messages.stream(model=engine.chat, tools=tools, tool_choice=choice, **(SAID | LONG)) as stream:
        streamed = stream.get_final_message()
    for it in [reply, streamed]:
        [call] = [block for block in it.content if block.type == "tool_use"]
        assert call.name == "weather" and call.input["city"] in CITIES
        assert it.stop_reason == "tool_use"


def test_messages_too_long(engine, ant):
    with pytest.raises(anthropic.BadRequestError) as caught:
        ant.messages.create(
            model=engine.chat, max_tokens=1, messages=[{"role": "user", "content": "x" * 5000}])
    assert caught.value.body["error"]["type"] == "invalid_request_error"
