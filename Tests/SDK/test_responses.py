"""The official OpenAI SDK's responses, to every kind of upstream."""

import json

import openai
import pydantic
import pytest

TOOL = {
    "type": "function",
    "name": "weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_create(oai, upstream):
    reply = oai.responses.create(
        model=f"{upstream}/counted", instructions="Be brief.", input="Hello there", max_output_tokens=100)
    assert reply.object == "response" and reply.status == "completed"
    assert reply.output_text == "Counted words."
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.total_tokens) == (12, 34, 46)
    assert reply._request_id


def test_incomplete(oai, upstream):
    reply = oai.responses.create(model=f"{upstream}/mock-model", input="Hello there", max_output_tokens=3)
    assert reply.status == "incomplete"
    assert reply.incomplete_details.reason == "max_output_tokens"


def test_stream(oai, upstream):
    events = list(oai.responses.create(model=f"{upstream}/counted", input="Hello there", stream=True))
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == "Counted words."
    assert kinds.count("response.output_item.added") == kinds.count("response.output_item.done") == 1
    final = events[-1].response
    assert final.output_text == "Counted words."
    assert (final.usage.input_tokens, final.usage.output_tokens) == (12, 34)


def test_stream_helper(oai, upstream):
    with oai.responses.stream(model=f"{upstream}/counted", input="Hello there") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == "Counted words."


def test_tools_round_trip(oai, upstream):
    items = [{"role": "user", "content": "What is the weather in Bonn?"}]
    first = oai.responses.create(
        model=f"{upstream}/mock-model", input=items, tools=[TOOL], tool_choice="required", store=False)
    calls = [item for item in first.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["weather"] and calls[0].call_id
    assert isinstance(json.loads(calls[0].arguments), dict)
    items += [item.model_dump(exclude_none=True) for item in first.output]
    items.append({"type": "function_call_output", "call_id": calls[0].call_id, "output": "Sunny"})
    second = oai.responses.create(model=f"{upstream}/counted", input=items, tools=[TOOL], store=False)
    assert second.output_text == "Counted words."


def test_parallel_calls_streamed(oai, upstream):
    events = list(oai.responses.create(
        model=f"{upstream}/parallel", input="tell me", tools=[TOOL], stream=True))
    done = [e for e in events if e.type == "response.function_call_arguments.done"]
    assert [json.loads(e.arguments)["city"] for e in done] == ['Köln "Süd"', "Bonn"]
    calls = [item for item in events[-1].response.output if item.type == "function_call"]
    assert len({call.call_id for call in calls}) == 2


def test_vision(oai, upstream):
    content = [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": PIXEL, "detail": "auto"}]
    reply = oai.responses.create(model=f"{upstream}/counted", input=[{"role": "user", "content": content}])
    assert reply.output_text == "Counted words."


def test_parse(oai, upstream):
    class City(pydantic.BaseModel):
        name: str
        people: int

    reply = oai.responses.parse(model=f"{upstream}/mock-model", input="A city", text_format=City)
    assert isinstance(reply.output_parsed, City)


@pytest.mark.parametrize("model, kind, status", [
    ("bad-request", openai.BadRequestError, 400),
    ("bad-key", openai.InternalServerError, 500),
    ("no-model", openai.NotFoundError, 404),
    ("limited", openai.RateLimitError, 429),
    ("broken", openai.InternalServerError, 502),
])
def test_errors(oai, upstream, model, kind, status):
    with pytest.raises(kind) as caught:
        oai.responses.create(model=f"{upstream}/{model}", input="Hello there")
    assert caught.value.status_code == status
    assert caught.value.request_id


def test_error_inside_a_stream(oai, upstream):
    kinds = []
    with pytest.raises(openai.APIError):
        for event in oai.responses.create(model=f"{upstream}/fails-inside", input="Hello there", stream=True):
            kinds.append(event.type)
            if event.type in ("response.failed", "error"):
                raise openai.APIError("failed", request=None, body=None)
    assert "response.output_text.delta" in kinds and "response.completed" not in kinds


def test_stored_conversation(oai, upstream):
    first = oai.responses.create(model=f"{upstream}/counted", input="Hello there", store=True)
    second = oai.responses.create(
        model=f"{upstream}/counted", input="And now?", previous_response_id=first.id, store=True)
    assert second.previous_response_id == first.id
    if upstream != "res":
        assert oai.responses.retrieve(first.id).output_text == "Counted words."
        items = oai.responses.input_items.list(second.id)
        assert items.data
        oai.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            oai.responses.retrieve(first.id)
