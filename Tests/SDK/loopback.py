"""Servers and gateways of a test's own, all on loopback."""

import contextlib
import dataclasses
import http.server
import json
import os
import subprocess
import threading
import time

from conftest import BINARY, wait_for
from ports import free_ports

KEY = "nt-key-of-the-cloud-tests"
# What the machine that runs the tests has to say of itself must not count.
CLOUDS = ("AWS_", "AZURE_", "BEDROCK_", "VERTEX_", "GOOGLE_", "GCE_", "CLOUDSDK_")


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: object
    body: bytes


@contextlib.contextmanager
def serve(answer):
    """Serves `answer(Request) -> (status, headers, body)` and yields the URL; a body that is no bytes becomes JSON."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, reply = answer(Request(self.command, self.path, self.headers, body))
            if not isinstance(reply, bytes):
                reply = json.dumps(reply).encode()
                headers = {"content-type": "application/json"} | headers
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        do_GET = do_POST = do_PUT = handle_request

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Running:
    def __init__(self, url, log):
        self.url = url
        self.log_file = log

    def log(self, word=""):
        """What has been logged; lines are written beside the requests, so a word may take its time."""
        deadline = time.monotonic() + 10
        while word not in (text := self.log_file.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return text


def environment_of(folder, more):
    """This process's environment without what it says of clouds, and with a home that has no credentials."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith(CLOUDS)}
    return rest | {"HOME": str(folder), "CLOUD_TEST_KEY": KEY} | more


def configuration(api, admin, provider):
    """A gateway with one provider, which is named `cloud`."""
    provider = provider | {"retry": {"max_attempts": 1}, "circuit_breaker": False}
    # JSON is YAML too.
    return json.dumps({
        "listen": {"api": f"127.0.0.1:{api}", "admin": f"127.0.0.1:{admin}"},
        "providers": {"cloud": provider},
        "keys": [{"name": "cloud-tests", "key": {"env": "CLOUD_TEST_KEY"}, "models": ["*"]}],
    })


@contextlib.contextmanager
def gateway(folder, provider, environment):
    """A gateway with one provider, which is named `cloud`."""
    api, admin = free_ports(2)
    file = folder / "needletail.yaml"
    file.write_text(configuration(api, admin, provider))
    log = folder / "log"
    with open(log, "w") as output:
        process = subprocess.Popen(
            [BINARY, "serve", "--config", str(file)], cwd=folder, env=environment_of(folder, environment),
            stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{api}/health", process, log)
        yield Running(f"http://127.0.0.1:{api}", log)
        assert process.poll() is None, "the gateway died"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        print(log.read_text()[-4000:])
