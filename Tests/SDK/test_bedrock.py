"""AWS's official SDK (Bedrock Converse), to every kind of upstream."""

import base64

import boto3
import botocore
import botocore.config
import botocore.exceptions
import pytest
from conftest import KEY

HELLO = [{"role": "user", "content": [{"text": "Hello there"}]}]
TOOLS = {"tools": [{"toolSpec": {
    "name": "weather",
    "description": "The weather in a city",
    "inputSchema": {"json": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
}}]}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@pytest.fixture
def aws(gateway):
    client = boto3.client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=gateway.base,
        config=botocore.config.Config(
            signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}, read_timeout=60))
    # The SDK sends its bearer token over TLS only; over loopback the header is added by hand.
    client.meta.events.register(
        "before-sign.bedrock-runtime.*",
        lambda request, **_: request.headers.add_header("Authorization", f"Bearer {KEY}"))
    return client


def test_converse(aws, upstream):
    reply = aws.converse(
        modelId=f"{upstream}/counted", messages=HELLO, system=[{"text": "Be brief."}],
        inferenceConfig={"maxTokens": 100, "temperature": 0.5})
    assert reply["output"]["message"]["content"][0]["text"] == "Counted words."
    assert reply["stopReason"] == "end_turn"
    assert (reply["usage"]["inputTokens"], reply["usage"]["outputTokens"]) == (12, 34)


def test_stream(aws, upstream):
    events = list(aws.converse_stream(modelId=f"{upstream}/counted", messages=HELLO)["stream"])
    assert "messageStart" in events[0] and "metadata" in events[-1] and "messageStop" in events[-2]
    text = "".join(e["contentBlockDelta"]["delta"].get("text", "") for e in events if "contentBlockDelta" in e)
    assert text == "Counted words."
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 34


def test_tools_round_trip(aws, upstream):
    question = {"role": "user", "content": [{"text": "What is the weather in Bonn?"}]}
    first = aws.converse(
        modelId=f"{upstream}/mock-model", messages=[question], toolConfig={**TOOLS, "toolChoice": {"any": {}}})
    assert first["stopReason"] == "tool_use"
    message = first["output"]["message"]
    call = next(block["toolUse"] for block in message["content"] if "toolUse" in block)
    assert call["name"] == "weather" and isinstance(call["input"], dict)
    result = {"role": "user", "content": [
        {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "Sunny"}]}}]}
    second = aws.converse(modelId=f"{upstream}/counted", messages=[question, message, result], toolConfig=TOOLS)
    assert second["output"]["message"]["content"][0]["text"] == "Counted words."


def test_vision(aws, upstream):
    content = [{"text": "What is it?"}, {"image": {"format": "png", "source": {"bytes": PIXEL}}}]
    reply = aws.converse(modelId=f"{upstream}/counted", messages=[{"role": "user", "content": content}])
    assert reply["output"]["message"]["content"][0]["text"] == "Counted words."


@pytest.mark.parametrize("model, code", [
    ("bad-request", "ValidationException"), ("no-model", "ResourceNotFoundException"),
    ("limited", "ThrottlingException"),
])
def test_errors(aws, upstream, model, code):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        aws.converse(modelId=f"{upstream}/{model}", messages=HELLO)
    assert caught.value.response["Error"]["Code"] == code
