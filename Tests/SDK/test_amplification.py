"""What a failing upstream is asked, when the official SDKs retry as they do by default and the gateway retries too."""

import subprocess
import os

import anthropic
import openai
import pytest

from conftest import BINARY, Gateway, wait_for
from ports import free_ports

SDK_TRIES = 3  # the first and the two repetitions that both SDKs make by default
GROUP_TRIES = 3
# Of a repetition the gateway knows (x-stainless-retry-count), and tries once less for each: 3 + 2 + 1 calls and not 9.
MOST = sum(max(1, GROUP_TRIES - repetition) for repetition in range(SDK_TRIES))

SCRIPT = """
delay: 0s
rules:
  - match: { model: "five*" }
    reply: { status: 500, text: "The server had an error" }
  - match: { model: "limited*" }
    reply: { status: 429, headers: { retry-after-ms: "1" }, text: "Rate limit reached" }
  - match: { model: "wrong*" }
    reply: { status: 400, text: "temperature is out of range" }
"""

CONFIGURATION = """
listen: {{ api: 127.0.0.1:{api}, admin: 127.0.0.1:{admin} }}
providers:
  one: {{ type: openai-compatible, base_url: "http://127.0.0.1:{mock}/v1", api_key: {{ env: UP }}, retry: {{ base_delay: 1ms }}, circuit_breaker: false }}
  two: {{ type: anthropic-compatible, base_url: "http://127.0.0.1:{mock}", api_key: {{ env: UP }}, retry: {{ base_delay: 1ms }}, circuit_breaker: false }}
models:
  five: {{ targets: [one/five-a, two/five-b], max_attempts: {tries} }}
  nested: {{ targets: [five, one/five-c], max_attempts: {tries} }}
  limited: {{ targets: [one/limited-a, two/limited-b], max_attempts: {tries} }}
  wrong: {{ targets: [one/wrong-a, two/wrong-b], max_attempts: {tries} }}
"""


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("amplification")
    api, admin, mock = free_ports(3)
    (folder / "mock.yaml").write_text(SCRIPT)
    (folder / "needletail.yaml").write_text(CONFIGURATION.format(api=api, admin=admin, mock=mock, tries=GROUP_TRIES))
    it = Gateway(api, admin, mock)
    processes = []
    with open(folder / "log", "w") as log:
        try:
            for command, url in [
                ([BINARY, "mock", "--port", str(mock), "--script", "mock.yaml"], it.mock + "/__mock/stats"),
                ([BINARY, "serve", "--config", "needletail.yaml"], it.base + "/health"),
            ]:
                processes.append(subprocess.Popen(
                    command, cwd=folder, env=os.environ | {"UP": "upstream-key"}, stdout=log,
                    stderr=subprocess.STDOUT))
                wait_for(url, processes[-1], folder / "log")
            yield it
        finally:
            for each in reversed(processes):
                each.kill()
                each.wait(10)


def ask(gateway, sdk, model, stream):
    if sdk == "openai":
        with openai.OpenAI(base_url=gateway.base + "/v1", api_key="any", timeout=60) as client:
            client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "hi"}], stream=stream)
    else:
        with anthropic.Anthropic(base_url=gateway.base, api_key="any", timeout=60) as client:
            client.messages.create(
                model=model, max_tokens=9, messages=[{"role": "user", "content": "hi"}], stream=stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
@pytest.mark.parametrize("model,most", [
    ("five", MOST), ("nested", MOST), ("limited", MOST), ("wrong", 1),
])
def test_amplification(failing, sdk, model, most, stream):
    before = failing.stats()["requests"]
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)):
        ask(failing, sdk, model, stream)
    calls = failing.stats()["requests"] - before
    print(f"{sdk} {model} stream={stream}: {calls} upstream calls, at most {most}")
    assert 1 <= calls <= most
