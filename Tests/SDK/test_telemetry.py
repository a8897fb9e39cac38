"""What the gateway tells of itself: spans and metrics by OTLP, metrics for Prometheus, lines for people and shippers."""

import collections
import contextlib
import json
import pathlib
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from conftest import BINARY, wait_for
from ports import free_ports
from loopback import environment_of, serve

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class Collector:
    """Decodes what it is sent with OpenTelemetry's own classes."""

    def __init__(self):
        self.requests = collections.defaultdict(list)
        self.headers = []
        self.refuse = 0

    def answer(self, request):
        self.headers.append(request.headers)
        if self.refuse > 0:
            self.refuse -= 1
            return 503, {"retry-after": "0"}, b""
        kind = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest,
                "/v1/logs": ExportLogsServiceRequest}[request.path]
        message = kind()
        message.ParseFromString(request.body)
        # Nothing that the specification does not know.
        assert len(UnknownFieldSet(message)) == 0
        self.requests[request.path].append(message)
        return 200, {"content-type": "application/x-protobuf"}, b""

    def spans(self):
        return [span for request in self.requests["/v1/traces"] for resource in request.resource_spans
                for scope in resource.scope_spans for span in scope.spans]

    def lines(self, request_id):
        return [record for request in self.requests["/v1/logs"] for resource in request.resource_logs
                for scope in resource.scope_logs for record in scope.log_records
                if attributes(record).get("request_id") == request_id]

    def wait_for_spans(self, count):
        deadline = time.monotonic() + 20
        while len(self.spans()) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(self.spans()) == count, self.spans()
        return self.spans()


class Served:
    def __init__(self, api, admin, log):
        self.api = f"http://127.0.0.1:{api}"
        self.admin = f"http://127.0.0.1:{admin}"
        self.admin_port = admin
        self.log_file = log

    def chat(self, model="chat", headers={}, **more):
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "a secret prompt"}]} | more)
        request = urllib.request.Request(
            self.api + "/v1/chat/completions", body.encode(), {"content-type": "application/json"} | headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, reply.read(), reply.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def metrics(self):
        with urllib.request.urlopen(self.admin + "/metrics", timeout=60) as reply:
            return reply.read().decode()

    def log(self):
        return [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]


@contextlib.contextmanager
def served(folder, telemetry, environment={}):
    """A gateway whose group `chat` fails over from a provider that always fails to one that always answers."""
    api, admin, mock = free_ports(3)
    script = folder / "mock.yaml"
    script.write_text(json.dumps({
        "rules": [{"match": {"model": "bad"}, "reply": {"status": 500, "delay": "0s"}},
                  {"reply": {"delay": "0s", "text": "a secret answer"}}]}))
    file = folder / "needletail.yaml"
    provider = {"type": "openai-compatible", "base_url": f"http://127.0.0.1:{mock}", "api_key": {"env": "UPSTREAM"},
                "retry": {"max_attempts": 1}, "circuit_breaker": False, "health_check": False}
    file.write_text(json.dumps({
        "listen": {"api": f"127.0.0.1:{api}", "admin": f"127.0.0.1:{admin}"},
        "providers": {"one": provider, "two": provider},
        "models": {"chat": {"targets": ["one/bad", "two/good"], "retry_budget": False}},
        "telemetry": telemetry}))
    log = folder / "log"
    environment = environment_of(folder, {"UPSTREAM": "sk-very-secret"} | environment)
    with open(log, "w") as output:
        mocked = subprocess.Popen(
            [BINARY, "mock", "--port", str(mock), "--script", str(script)], stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, env=environment)
        process = None
        try:
            wait_for(f"http://127.0.0.1:{mock}/__mock/stats", mocked, log)
            process = subprocess.Popen(
                [BINARY, "serve", "--config", str(file)], cwd=folder, env=environment, stdout=subprocess.DEVNULL,
                stderr=output)
            wait_for(f"http://127.0.0.1:{api}/health", process, log)
            yield Served(api, admin, log), process
        finally:
            for each in [process, mocked]:
                if each is None:
                    continue
                each.terminate()
                try:
                    each.wait(15)
                except subprocess.TimeoutExpired:
                    each.kill()


def attributes(span):
    def value(any_value):
        kind = any_value.WhichOneof("value")
        if kind == "array_value":
            return [value(each) for each in any_value.array_value.values]
        return getattr(any_value, kind) if kind else None
    return {pair.key: value(pair.value) for pair in span.attributes}


def test_spans_are_decoded_by_the_official_classes(tmp_path):
    collector = Collector()
    with serve(collector.answer) as url:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=a%20key",
            "OTEL_SERVICE_NAME": "edge", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
            "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "300",
        }
        with served(tmp_path, {}, environment) as (gateway, _):
            before = time.time_ns()
            status, _, _ = gateway.chat(headers={
                "traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1", "x-request-id": "req-of-mine"})
            assert status == 200
            assert gateway.chat(model="nowhere/at-all")[0] == 404
            spans = collector.wait_for_spans(4)
            after = time.time_ns()

            deadline = time.monotonic() + 20
            while not collector.requests["/v1/metrics"] and time.monotonic() < deadline:
                time.sleep(0.05)
            while not collector.lines("req-of-mine"):
                time.sleep(0.05)
            names = {metric.name: metric for request in collector.requests["/v1/metrics"][-1:]
                     for resource in request.resource_metrics for scope in resource.scope_metrics
                     for metric in scope.metrics}
    assert collector.headers[0]["x-api-key"] == "a key"
    assert collector.headers[0]["content-type"] == "application/x-protobuf"
    resource = attributes(collector.requests["/v1/traces"][0].resource_spans[0].resource)
    assert resource["service.name"] == "edge" and resource["deployment.environment.name"] == "test"

    server, first, second = [span for span in spans if span.trace_id.hex() == TRACE]
    assert server.kind == server.SPAN_KIND_SERVER and server.parent_span_id.hex() == PARENT
    assert server.name == "chat chat" and server.trace_state == "vendor=1"
    told = attributes(server)
    assert told["needletail.request_id"] == "req-of-mine" and told["needletail.attempts"] == 2
    assert told["gen_ai.operation.name"] == "chat" and told["gen_ai.provider.name"] == "two"
    assert told["gen_ai.usage.output_tokens"] > 0 and told["http.response.status_code"] == 200
    assert server.status.code == server.status.STATUS_CODE_UNSET
    for span in (first, second):
        assert span.kind == span.SPAN_KIND_CLIENT and span.parent_span_id == server.span_id
        assert server.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= server.end_time_unix_nano
    assert before <= server.start_time_unix_nano <= server.end_time_unix_nano <= after
    assert first.status.code == first.status.STATUS_CODE_ERROR
    assert attributes(first)["error.type"] == "upstream_failed" and attributes(first)["gen_ai.request.model"] == "bad"
    assert attributes(first)["http.response.status_code"] == 500
    assert attributes(second)["needletail.attempt.cause"] == "failover"
    assert len({span.span_id for span in spans}) == 4

    [line] = collector.lines("req-of-mine")
    told = attributes(line)
    assert line.event_name == "request_success" and line.severity_text == "info" and line.severity_number == 9
    assert line.trace_id == server.trace_id and line.span_id == server.span_id and line.flags == 1
    assert told["provider"] == "two" and told["attempts"] == 2 and told["cached"] is False
    assert isinstance(told["response_time"], float) and before <= line.time_unix_nano <= after

    other = next(span for span in spans if span.trace_id.hex() != TRACE)
    assert other.status.code == other.status.STATUS_CODE_ERROR and other.parent_span_id == b""
    assert b"secret" not in b"".join(
        message.SerializeToString() for messages in collector.requests.values() for message in messages)

    usage = names["gen_ai.client.token.usage"]
    assert usage.unit == "{token}" and usage.histogram.aggregation_temporality == 2
    points = {attributes(point)["gen_ai.token.type"]: point for point in usage.histogram.data_points}
    assert points["output"].count == sum(points["output"].bucket_counts) >= 1
    assert len(points["output"].bucket_counts) == len(points["output"].explicit_bounds) + 1
    assert names["provider_request_total"].sum.is_monotonic
    assert {point.as_int for point in names["provider_error_total"].sum.data_points} == {1}


def test_a_collector_that_fails_first_gets_all(tmp_path):
    collector = Collector()
    collector.refuse = 2
    with serve(collector.answer) as url:
        telemetry = {"otlp": {"endpoint": url, "metrics": False, "logs": False}}
        with served(tmp_path, telemetry, {"OTEL_BSP_SCHEDULE_DELAY": "100"}) as (gateway, _):
            assert gateway.chat()[0] == 200
            collector.wait_for_spans(3)
            assert "needletail_telemetry_failed_tries_total 2" in gateway.metrics()


def test_only_errors_of_what_is_not_sampled(tmp_path):
    collector = Collector()
    with serve(collector.answer) as url:
        telemetry = {"otlp": {"endpoint": url, "metrics": False, "logs": False}, "traces": {"sample": 0}}
        with served(tmp_path, telemetry, {"OTEL_BSP_SCHEDULE_DELAY": "100"}) as (gateway, _):
            assert gateway.chat()[0] == 200
            assert gateway.chat(headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})[0] == 200
            assert gateway.chat(model="one/bad")[0] == 502
            spans = collector.wait_for_spans(2)
    assert {attributes(span)["gen_ai.request.model"] for span in spans} == {"one/bad", "bad"}


def test_a_collector_that_is_not_there_costs_a_counter(tmp_path):
    # The discard service, which nobody runs.
    telemetry = {"otlp": {"endpoint": "http://127.0.0.1:9", "metrics": False, "logs": False}}
    with served(tmp_path, telemetry, {"OTEL_BSP_SCHEDULE_DELAY": "50"}) as (gateway, process):
        for _ in range(20):
            assert gateway.chat(headers={"traceparent": "00-nonsense"})[0] == 200
        deadline = time.monotonic() + 20
        while "needletail_telemetry_failed_tries_total 0" in gateway.metrics() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "needletail_telemetry_failed_tries_total 0" not in gateway.metrics()
        process.terminate()
        assert process.wait(15) == 0


def test_one_line_per_request(tmp_path):
    with served(tmp_path, {}) as (gateway, process):
        trace = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine-1"}
        assert gateway.chat(headers=trace)[0] == 200
        assert gateway.chat(model="one/bad", headers={"x-request-id": "mine-2"})[0] == 502
        assert gateway.chat(model="", headers={"x-request-id": "mine-3"})[0] in (400, 404)
        process.terminate()
        assert process.wait(15) == 0
        lines = {line["request_id"]: line for line in gateway.log() if "request_id" in line}
        text = gateway.log_file.read_text()
    good, bad = lines["mine-1"], lines["mine-2"]
    assert good["event"] == "request_success" and good["level"] == "info" and good["trace_id"] == TRACE
    assert good["provider"] == "two" and good["model"] == "good" and good["requested_model"] == "chat"
    assert good["status"] == 200 and good["attempts"] == 2 and good["cached"] is False
    assert 0 < good["response_time"] < 20 and good["output_tokens"] > 0
    assert bad["event"] == "request_error" and bad["level"] == "warning" and bad["status"] == 502
    assert bad["error_type"] == "upstream_failed" and "status page" in bad["hint"]
    assert "mine-3" in lines
    assert "secret" not in text


def test_prometheus_scrapes_and_finds_nothing_wrong(tmp_path):
    if shutil.which("promtool") is None or shutil.which("prometheus") is None:
        pytest.skip("Scripts/setup test installs Prometheus")
    with served(tmp_path, {"metrics": {"max_series": 10}}) as (gateway, _):
        for index in range(30):
            gateway.chat(model="chat" if index % 2 else f"two/model-{index}", stream=index % 3 == 0)
        text = gateway.metrics()
        check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        assert check.returncode == 0 and not check.stderr, check.stderr

        rules = ROOT / "deploy/prometheus/needletail-rules.yml"
        check = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True)
        assert check.returncode == 0, check.stderr
        [port] = free_ports(1)
        configuration = tmp_path / "prometheus.yml"
        configuration.write_text(json.dumps({
            "global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"}, "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "needletail", "static_configs": [
                {"targets": [f"127.0.0.1:{gateway.admin_port}"]}]}]}))
        with open(tmp_path / "prometheus.log", "w") as log:
            process = subprocess.Popen(
                ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path}/data",
                 f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/-/ready", process, tmp_path / "prometheus.log")
            query = f"http://127.0.0.1:{port}/api/v1/query?query=sum(provider_request_total)"
            expected = sum(float(line.split()[-1]) for line in text.splitlines()
                           if line.startswith("provider_request_total{"))
            deadline = time.monotonic() + 30
            value = None
            while value != expected and time.monotonic() < deadline:
                time.sleep(0.2)
                with urllib.request.urlopen(query, timeout=60) as reply:
                    result = json.load(reply)["data"]["result"]
                value = float(result[0]["value"][1]) if result else None
            assert value == expected
        finally:
            process.terminate()
            process.wait(20)
