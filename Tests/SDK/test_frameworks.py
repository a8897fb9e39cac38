"""Frameworks that people build agents with, on top of the official SDKs."""

import asyncio

import pytest
from conftest import KEY
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return "Sunny"


def langchain(kind, gateway, model, **options):
    if kind == "openai":
        return ChatOpenAI(model=model, base_url=gateway.base + "/v1", api_key=KEY, max_retries=0, timeout=60, **options)
    return ChatAnthropic(model=model, base_url=gateway.base, api_key=KEY, max_retries=0, timeout=60, **options)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_langchain(gateway, upstream, kind):
    model = langchain(kind, gateway, f"{upstream}/counted")
    reply = model.invoke("Hello there")
    assert reply.text == "Counted words."
    assert (reply.usage_metadata["input_tokens"], reply.usage_metadata["output_tokens"]) == (12, 34)
    assert "".join(chunk.text for chunk in model.stream("Hello there")) == "Counted words."


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_langchain_tools(gateway, upstream, kind):
    model = langchain(kind, gateway, f"{upstream}/parallel").bind_tools([weather])
    calls = model.invoke("tell me").tool_calls
    assert [call["args"]["city"] for call in calls] == ['Köln "Süd"', "Bonn"]


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_pydantic_ai(gateway, upstream, kind):
    name = f"{upstream}/weather-agent-{kind}"
    if kind == "openai":
        model = OpenAIChatModel(name, provider=OpenAIProvider(base_url=gateway.base + "/v1", api_key=KEY))
    else:
        model = AnthropicModel(name, provider=AnthropicProvider(base_url=gateway.base, api_key=KEY))
    asked = []
    agent = Agent(model)

    @agent.tool_plain
    def weather(city: str) -> str:
        asked.append(city)
        return "Sunny"

    result = asyncio.run(agent.run("tell me"))
    assert asked == ["Bonn"]
    assert result.output == "It is sunny."
