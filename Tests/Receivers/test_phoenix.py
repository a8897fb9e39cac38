"""Sends the gateway's traces to Arize Phoenix, as Scripts/test-engines has installed it, and reads them there."""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[1] / "SDK"))
from ports import free_ports  # noqa: E402

BINARY = os.environ["NEEDLETAIL_BINARY"]
PHOENIX = pathlib.Path(sys.executable).parent / "phoenix"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def answer(url, body=None, headers=None):
    request = urllib.request.Request(
        url, None if body is None else json.dumps(body).encode(),
        {"content-type": "application/json"} | (headers or {}))
    with urllib.request.urlopen(request, timeout=60) as reply:
        return reply.read()


def until(process, log, ask):
    """Asks until there is something; a process that ends has failed."""
    while True:
        try:
            if found := ask():
                return found
        except (OSError, urllib.error.HTTPError):
            pass
        if process.poll() is not None:
            pytest.exit(f"{process.args} ended with {process.returncode}: {log.read_text()[-4000:]}", returncode=3)
        time.sleep(0.2)


@pytest.fixture(scope="module")
def spans(tmp_path_factory):
    """The spans of a request that fails over, by name, as Phoenix has them."""
    folder = tmp_path_factory.mktemp("phoenix")
    receiver, grpc, api, admin = free_ports(4)
    (folder / "bad.yaml").write_text(json.dumps({"rules": [{"reply": {"status": 500, "delay": "0s"}}]}))
    (folder / "good.yaml").write_text(json.dumps(
        {"usage": {"input": 12, "output": 34}, "rules": [{"reply": {"text": "Hello", "delay": "0s"}}]}))
    (folder / "needletail.yaml").write_text(json.dumps({
        "listen": {"api": f"127.0.0.1:{api}", "admin": f"127.0.0.1:{admin}"},
        "providers": {
            "bad": {"type": "mock", "script": "bad.yaml", "retry": {"max_attempts": 1}},
            "good": {"type": "mock", "script": "good.yaml"}},
        "models": {"chat": {"targets": ["bad/small", {"to": "good/large", "priority": 2}], "retry_budget": False}},
        "telemetry": {"otlp": {"endpoint": f"http://127.0.0.1:{receiver}", "metrics": False, "logs": False}}}))
    quiet = {"PHOENIX_PORT": str(receiver), "PHOENIX_GRPC_PORT": str(grpc), "PHOENIX_HOST": "127.0.0.1",
             "PHOENIX_WORKING_DIR": str(folder), "PHOENIX_TELEMETRY_ENABLED": "false", "DO_NOT_TRACK": "1"}
    processes = []

    def start(command, log, environment):
        with open(log, "w") as output:
            processes.append(subprocess.Popen(
                [str(word) for word in command], cwd=folder, env=os.environ | environment, stdout=output,
                stderr=subprocess.STDOUT))
        return processes[-1]

    try:
        base = f"http://127.0.0.1:{receiver}"
        log = folder / "phoenix.log"
        phoenix = start([PHOENIX, "serve"], log, quiet)
        until(phoenix, log, lambda: answer(base + "/healthz") is not None)
        gateway_log = folder / "gateway.log"
        gateway = start([BINARY, "serve", "--config", "needletail.yaml"], gateway_log, {})
        until(gateway, gateway_log, lambda: answer(f"http://127.0.0.1:{api}/health"))
        answer(
            f"http://127.0.0.1:{api}/v1/chat/completions",
            {"model": "chat", "messages": [{"role": "user", "content": "a secret question"}]},
            {"traceparent": f"00-{TRACE}-{PARENT}-01"})

        def arrived():
            page = json.loads(answer(base + "/v1/projects/default/spans?limit=100"))
            own = [each for each in page["data"] if each["context"]["trace_id"] == TRACE]
            return own if len(own) >= 3 else None

        yield until(phoenix, log, arrived)
    finally:
        for each in reversed(processes):
            each.terminate()
            each.wait()


def test_a_request_and_its_calls_are_one_tree(spans):
    request = next(each for each in spans if each["parent_id"] == PARENT)
    calls = [each for each in spans if each["parent_id"] == request["context"]["span_id"]]
    assert request["name"] == "chat chat"
    assert sorted(each["name"] for each in calls) == ["chat large", "chat small"]
    assert {each["name"]: each["status_code"] for each in calls}["chat small"] == "ERROR"


def test_it_is_told_who_answered_and_what_was_used(spans):
    request = next(each for each in spans if each["parent_id"] == PARENT)["attributes"]
    assert request["gen_ai.provider.name"] == "good"
    assert request["gen_ai.request.model"] == "chat" and request["gen_ai.response.model"] == "large"
    assert (request["gen_ai.usage.input_tokens"], request["gen_ai.usage.output_tokens"]) == (12, 34)
    assert request["needletail.attempts"] == 2


def test_nothing_that_was_said_is_in_it(spans):
    assert "secret question" not in json.dumps(spans)
