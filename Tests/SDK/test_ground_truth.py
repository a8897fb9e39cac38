"""After ten thousand requests of every kind the metrics, the request counts and the ledger say what the mock really served."""

import asyncio
import collections
import json
import subprocess
import time
import urllib.request

import pytest

from conftest import BINARY, wait_for
from ports import free_ports
from loopback import environment_of

REQUESTS = 10_000
CONNECTIONS = 24
KEY = "nt-key-of-the-ground-truth"
STALLED = {"at": "chunk 1", "kind": "stall", "for": "600s"}
RULES = [
    {"match": {"model": "failing"}, "reply": {"status": 500, "delay": "0s"}},
    {"match": {"model": "refusing"}, "reply": {"status": 400, "delay": "0s", "body": {"error": {"message": "No."}}}},
    {"match": {"model": "stalling"}, "reply": {"delay": "0s", "chunks": 4}, "fault": STALLED},
    {"match": {"model": "breaking"}, "reply": {"delay": "0s", "chunks": 4}, "fault": {"at": "chunk 2", "kind": "reset"}},
    {"reply": {"delay": "0s", "chunks": 4, "text": "Four pieces of text are here."}},
]

Kind = collections.namedtuple("Kind", "model stream key share status outcome attempts leaves", defaults=[False])
# What is asked, how often in a hundred, and what must come of it: status, outcome, attempts by cause.
KINDS = [
    Kind("one/plain", False, True, 40, 200, "success", {"first": 1}),
    Kind("one/streamed", True, True, 30, 200, "success", {"first": 1}),
    Kind("over", False, True, 6, 200, "success", {"first": 1, "failover": 1}),
    Kind("over", True, True, 4, 200, "success", {"first": 1, "failover": 1}),
    Kind("retried", False, True, 5, 502, "error", {"first": 1, "retry": 1}),
    Kind("one/refusing", False, True, 4, 400, "error", {"first": 1}),
    Kind("one/breaking", True, True, 3, 200, "error", {"first": 1}),
    Kind("one/stalling", True, True, 3, 200, "abandoned", {"first": 1}, leaves=True),
    Kind("nobody/knows", False, True, 3, 404, "error", {}),
    Kind("one/plain", False, False, 2, 401, None, {}),
]


def order():
    """The kinds of a hundred requests, mixed and always the same."""
    hundred = [kind for kind in KINDS for _ in range(kind.share)]
    assert len(hundred) == 100
    return [hundred[index * 37 % 100] for index in range(100)]


class Client:
    """One connection at a time, raw: a client that takes longer than the gateway would measure itself."""

    def __init__(self, port):
        self.port = port
        self.writer = None

    async def ask(self, kind):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        body = json.dumps({"model": kind.model, "stream": kind.stream,
                           "messages": [{"role": "user", "content": "Hello"}]}).encode()
        key = f"authorization: Bearer {KEY}\r\n" if kind.key else ""
        self.writer.write(
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n{key}content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n".encode() + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split(" ", 2)[1])
        if kind.leaves:
            await self.reader.readuntil(b"data: ")
            return self.close(status)
        if "transfer-encoding: chunked" in head:
            while int(size := await self.reader.readline(), 16) > 0:
                await self.reader.readexactly(int(size, 16) + 2)
            await self.reader.readline()
        else:
            length = [line for line in head.split("\r\n") if line.startswith("content-length:")]
            await self.reader.readexactly(int(length[0].split(":")[1]))
        return self.close(status) if "connection: close" in head else status

    def close(self, status):
        self.writer.transport.abort()
        self.writer = None
        return status


async def run(port):
    kinds = order()
    numbers = iter(range(REQUESTS))

    async def work():
        client = Client(port)
        for number in numbers:
            kind = kinds[number % 100]
            assert await client.ask(kind) == kind.status, kind
        if client.writer:
            client.close(0)

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))


class Series(dict):
    """The samples of `/metrics`, by name and labels."""

    def __init__(self, text):
        super().__init__()
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, _, value = line.rpartition(" ")
            name, _, labels = name.partition("{")
            pairs = [each.partition("=") for each in labels.rstrip("}").split('",') if each]
            self[name, tuple((key, text.strip('"')) for key, _, text in pairs)] = float(value)

    def sum(self, metric, **wanted):
        return sum(value for (name, labels), value in self.items()
                   if name == metric and wanted.items() <= dict(labels).items())


def read(url):
    with urllib.request.urlopen(url, timeout=60) as reply:
        return reply.read().decode()


@pytest.fixture
def served(tmp_path):
    api, admin, mock = free_ports(3)
    (tmp_path / "mock.json").write_text(json.dumps({"usage": {"input": 12, "output": 34}, "rules": RULES}))
    provider = {"type": "openai-compatible", "base_url": f"http://127.0.0.1:{mock}", "api_key": {"env": "UPSTREAM"},
                "retry": {"max_attempts": 1}, "circuit_breaker": False, "health_check": False}
    (tmp_path / "needletail.yaml").write_text(json.dumps({
        "listen": {"api": f"127.0.0.1:{api}", "admin": f"127.0.0.1:{admin}"},
        "providers": {"one": provider, "two": provider,
                      "again": provider | {"retry": {"max_attempts": 2, "base_delay": "0s"}}},
        "models": {"over": {"targets": ["one/failing", {"to": "two/plain", "priority": 2}], "retry_budget": False,
                            "health_threshold": 0},
                   # Every retry is made, however quick the machine is.
                   "retried": {"targets": ["again/failing"], "retry_budget": False, "health_threshold": 0}},
        "prices": {"models": {each: {"input": "1.00", "output": "3.00"} for each in
                              ["plain", "streamed", "failing", "refusing", "stalling", "breaking"]}},
        "keys": [{"name": "truth", "key": {"env": "TRUTH_KEY"}}],
        "telemetry": {"log": {"requests": "off"}}}))
    environment = environment_of(tmp_path, {"UPSTREAM": "sk-upstream", "TRUTH_KEY": KEY})
    processes = []
    with open(tmp_path / "log", "w") as log:
        try:
            for command, url in [
                ([BINARY, "mock", "--port", str(mock), "--script", "mock.json"],
                 f"http://127.0.0.1:{mock}/__mock/stats"),
                ([BINARY, "serve", "--config", "needletail.yaml"], f"http://127.0.0.1:{api}/health"),
            ]:
                processes.append(subprocess.Popen(
                    command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=log))
                wait_for(url, processes[-1], tmp_path / "log")
            yield api, f"http://127.0.0.1:{admin}", f"http://127.0.0.1:{mock}/__mock/stats"
        finally:
            for each in reversed(processes):
                each.terminate()
                each.wait()


def test_every_counter_says_what_happened(served):
    api, admin, stats = served
    asyncio.run(run(api))
    # What was abandoned ends a moment after its client left.
    while Series(read(admin + "/metrics")).sum("needletail_requests_in_flight") > 0:
        time.sleep(0.05)
    while (mock := json.loads(read(stats)))["completed"] + mock["aborted"] + mock["faults"] < mock["requests"]:
        time.sleep(0.05)
    metrics = Series(read(admin + "/metrics"))
    many = [(kind, kind.share * REQUESTS // 100) for kind in KINDS]

    # Requests, by what the clients saw.
    for status, outcome in {(kind.status, kind.outcome) for kind in KINDS if kind.key}:
        expected = sum(count for kind, count in many if (kind.status, kind.outcome) == (status, outcome))
        seen = metrics.sum("needletail_requests_total", status=str(status), outcome=outcome)
        assert seen == expected, (status, outcome)
    with_key = sum(count for kind, count in many if kind.key)
    assert metrics.sum("needletail_requests_total") == with_key
    assert metrics.sum("needletail_refusals_total") == REQUESTS - with_key
    assert metrics.sum("needletail_key_requests_total", key="truth") == with_key
    failed = sum(count for kind, count in many if kind.key and kind.outcome == "error")
    assert metrics.sum("needletail_key_failed_requests_total", key="truth") == failed
    streams = sum(count for kind, count in many if kind.stream)
    assert metrics.sum("gen_ai_server_time_to_first_token_seconds_count") == streams
    assert metrics.sum("gen_ai_server_request_duration_seconds_count") == with_key

    # Attempts, by why they were made and by what the mock was asked.
    for cause in ["first", "retry", "failover"]:
        expected = sum(count * kind.attempts.get(cause, 0) for kind, count in many)
        assert metrics.sum("needletail_attempts_total", cause=cause) == expected, cause
    assert metrics.sum("provider_request_total") == mock["requests"]
    for model, truth in mock["by_model"].items():
        assert metrics.sum("provider_request_total", model=model) == truth["requests"], model
    for model, per_request in [("failing", {"over": 1, "retried": 2}), ("refusing", {"one/refusing": 1}),
                               ("breaking", {"one/breaking": 1})]:
        expected = sum(count * per_request.get(kind.model, 0) for kind, count in many)
        assert metrics.sum("provider_error_total", model=model) == expected, model
    for model in ["plain", "streamed"]:
        assert metrics.sum("provider_error_total", model=model) == 0
    left = sum(count for kind, count in many if kind.leaves)
    assert mock["by_model"]["stalling"]["requests"] == left

    # Tokens and money, by the mock's own count and by the ledger's.
    ledger = {row["model"]: row for row in json.loads(read(admin + "/admin/v1/costs?by=model"))["rows"]}

    for model in ["plain", "streamed"]:
        truth = mock["by_model"][model]
        for kind in ["input", "output"]:
            seen = metrics.sum("gen_ai_client_token_usage_sum", gen_ai_request_model=model, gen_ai_token_type=kind)
            assert seen == truth[f"{kind}_tokens"], (model, kind)
            assert ledger[model][f"{kind}_tokens"] == truth[f"{kind}_tokens"], (model, kind)
        cost = truth["input_tokens"] * 1 + truth["output_tokens"] * 3
        assert round(float(ledger[model]["cost_usd"]) * 1e6) == cost
        assert round(metrics.sum("needletail_cost_dollars_total", model=model) * 1e6) == cost
    priced = sum(float(row["cost_usd"]) for row in ledger.values())
    assert round(metrics.sum("needletail_key_cost_dollars_total", key="truth") * 1e6) == round(priced * 1e6)
