"""Starts the mock upstream and the gateway once, and hands out clients of both SDKs."""

import json
import os
import pathlib
import subprocess
import time
import urllib.request

import anthropic
import openai
import pytest
from ports import free_ports

BINARY = os.environ["NEEDLETAIL_BINARY"]
KEY = "nt-key-of-the-sdk-tests"
NARROW_KEY = "nt-key-for-one-model"

CONFIGURATION = """
listen: {{ api: 127.0.0.1:{api}, admin: 127.0.0.1:{admin} }}
providers:
  oai:
    type: openai-compatible
    base_url: http://127.0.0.1:{mock}/v1
    api_key: {{ env: SDK_UPSTREAM_KEY }}
    timeouts: {{ first_token: 3s, idle: 30s }}
    retry: {{ max_attempts: 1 }}
    circuit_breaker: false
  ant:
    type: anthropic-compatible
    base_url: http://127.0.0.1:{mock}
    api_key: {{ env: SDK_UPSTREAM_KEY }}
    timeouts: {{ first_token: 3s, idle: 30s }}
    retry: {{ max_attempts: 1 }}
    circuit_breaker: false
{more}models:
  chat-service: {{ strategy: priority, targets: [oai/broken, ant/mock-model], max_attempts: 2 }}
keys:
  - {{ name: sdk, key: {{ env: SDK_KEY }}, models: ["*"] }}
  - {{ name: narrow, key: {{ env: SDK_NARROW_KEY }}, models: ["chat-service"] }}
"""


# The other dialects, all spoken by the one mock: name, type, path of the base URL, further keys.
MORE = [
    ("res", "openai", "/v1", "api: responses"),
    ("gem", "gemini", "/v1beta", ""),
    ("oll", "ollama", "", "api: ollama"),
    ("coh", "cohere", "", ""),
    ("bed", "bedrock", "", "settings: { region: us-east-1 }"),
]


def more_providers(mock):
    text = ""
    for name, kind, path, further in MORE:
        text += f"  {name}:\n    type: {kind}\n    base_url: http://127.0.0.1:{mock}{path}\n"
        text += "    api_key: { env: SDK_UPSTREAM_KEY }\n    timeouts: { first_token: 3s, idle: 30s }\n"
        text += "    retry: { max_attempts: 1 }\n    circuit_breaker: false\n"
        text += f"    {further}\n" if further else ""
    return text


def wait_for(url, process, log=None):
    """Waits until `url` answers, as long as `process` lives; `log` is the file that it writes to."""
    # So much only that a process that hangs does not hang the tests for ever.
    deadline = time.monotonic() + 300
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as reply:
                return reply.read()
        except OSError:
            if process.poll() is not None:
                pytest.exit(f"{process.args} ended with {process.returncode}: {end_of(log)}", returncode=3)
            if time.monotonic() > deadline:
                pytest.exit(f"{url} does not answer: {end_of(log)}", returncode=3)
            time.sleep(0.05)


def end_of(log):
    return pathlib.Path(log).read_text(errors="replace")[-4000:] if log else "its output is not kept"


class Gateway:
    def __init__(self, api, admin, mock):
        self.base = f"http://127.0.0.1:{api}"
        self.admin = f"http://127.0.0.1:{admin}"
        self.mock = f"http://127.0.0.1:{mock}"

    def stats(self):
        with urllib.request.urlopen(self.mock + "/__mock/stats", timeout=60) as reply:
            return json.load(reply)

    def model_stats(self, model):
        empty = dict.fromkeys(["requests", "completed", "aborted", "faults", "input_tokens", "output_tokens"], 0)
        return self.stats()["by_model"].get(model, empty)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    api, admin, mock = free_ports(3)
    environment = os.environ | {
        "SDK_UPSTREAM_KEY": "upstream-key", "SDK_KEY": KEY, "SDK_NARROW_KEY": NARROW_KEY,
    }
    configuration = folder / "needletail.yaml"
    configuration.write_text(CONFIGURATION.format(
        api=api, admin=admin, mock=mock, more=more_providers(mock)))
    script = pathlib.Path(__file__).with_name("mock.yaml")
    log = open(folder / "log", "w+")
    commands = [
        [BINARY, "mock", "--port", str(mock), "--script", str(script)],
        [BINARY, "serve", "--config", str(configuration)],
    ]
    it = Gateway(api, admin, mock)
    processes = []
    try:
        # One after the other: the gateway asks its providers for their models when it starts.
        for command, url in zip(commands, [it.mock + "/__mock/stats", it.base + "/health"]):
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
            processes.append(process)
            wait_for(url, process, folder / "log")
        yield it
    finally:
        dead = [each.args for each in processes if each.poll() is not None]
        for each in reversed(processes):
            each.terminate()
        for each in processes:
            try:
                each.wait(10)
            except subprocess.TimeoutExpired:
                each.kill()
        log.seek(0)
        print(log.read()[-4000:])
        log.close()
    assert not dead, f"died during the tests: {dead}"


# Every test that takes `upstream` runs once to each kind of upstream.
# Where an upstream's format has no words for what a test asks.
ABSENT = {
    "res": {
        "test_length_and_stop": "responses have no stop sequences",
        "test_thinking": "responses show reasoning as a summary, which the mock does not write",
        "test_reasoning": "responses show reasoning as a summary, which the mock does not write",
        "test_reasoning_streams": "responses show reasoning as a summary, which the mock does not write",
        "test_stored_conversation": "kept by the upstream itself, which the mock does not do",
    },
    "oll": {
        name: "Ollama's own chat has no choice of tool"
        for name in ["test_tools", "test_tool_choice", "test_legacy_functions", "test_tools_round_trip"]
    },
}


def thinker(upstream):
    """A model of `upstream` that thinks. At Bedrock its name says how it is told to."""
    return f"{upstream}/{'anthropic.claude-mock' if upstream == 'bed' else 'mock-model'}"


@pytest.fixture(params=["oai", "ant", *(name for name, *_ in MORE)])
def upstream(request):
    reason = ABSENT.get(request.param, {}).get(request.node.originalname)
    if reason:
        pytest.skip(reason)
    return request.param


@pytest.fixture
def oai(gateway):
    with openai.OpenAI(base_url=gateway.base + "/v1", api_key=KEY, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def ant(gateway):
    with anthropic.Anthropic(base_url=gateway.base, api_key=KEY, max_retries=0, timeout=60) as client:
        yield client


def eventually(condition, seconds):
    """Waits until `condition` holds, `seconds` at most."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
