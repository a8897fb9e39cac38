"""Starts the mock upstream and the gateway, and opens the dashboard in Debian's Chromium."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect, sync_playwright

# At the end, so that its conftest is not taken for this one.
sys.path.append(str(pathlib.Path(__file__).parents[1] / "SDK"))
from ports import free_ports  # noqa: E402

BINARY = os.environ["NEEDLETAIL_BINARY"]
SCREENSHOTS = pathlib.Path(os.environ["NEEDLETAIL_SCREENSHOTS"])
ADMIN_KEY = "admin-key-of-the-browser-tests"
CLIENT_KEY = "nt-key-of-the-browser-tests"
# What somebody might plant wherever a name or a text is shown.
HOSTILE = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>\"'`${window.hacked=1}&lt;"
# The default of 5 s would judge the machine.
expect.set_options(timeout=60_000)


def wait_for(url, process, log):
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as reply:
                return reply.read()
        except OSError:
            if process.poll() is not None:
                pytest.exit(f"{process.args} ended with {process.returncode}: {log.read_text()}", returncode=3)
            time.sleep(0.05)


class Gateway:
    def __init__(self, api, admin):
        self.api = f"http://127.0.0.1:{api}"
        self.admin = f"http://127.0.0.1:{admin}"

    def chat(self, model="chat", key=CLIENT_KEY, **more):
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]} | more
        request = urllib.request.Request(
            self.api + "/v1/chat/completions", json.dumps(body).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.admin + "/admin/v1" + path, None if body is None else json.dumps(body).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {ADMIN_KEY}"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    api, admin, mock = free_ports(3)
    # A plain `${` in the files' own words.
    planted = HOSTILE.replace("${", "$${")
    (folder / "mock.json").write_text(json.dumps({"rules": [
        {"match": {"model": "bad"}, "reply": {"status": 500, "delay": "0s", "body": {"error": {"message": planted}}}},
        {"match": {"model": "hostile"}, "reply": {"text": planted, "delay": "0s"}},
        {"reply": {"delay": "5ms", "chunks": 8, "chunk_delay": "2ms", "text": "A good answer from the mock upstream."}}]}))
    provider = {"type": "openai-compatible", "base_url": f"http://127.0.0.1:{mock}", "api_key": {"env": "UPSTREAM"},
                "retry": {"max_attempts": 1}, "limits": {"rpm": 100000, "concurrency": 50}}
    # A group's name has no white space.
    hostile_name = "chat<script>window.hacked=1<script>\"'`&lt;"
    (folder / "needletail.yaml").write_text(json.dumps({
        "listen": {"api": f"127.0.0.1:{api}", "admin": f"127.0.0.1:{admin}"},
        "admin": {"key": {"env": "ADMIN_KEY"}},
        "providers": {"main": provider, "spare": provider},
        "models": {"chat": {"targets": ["main/small", {"to": "spare/small", "priority": 2}], "retry_budget": False},
                   "unsteady": {"targets": ["main/bad", {"to": "spare/small", "priority": 2}], "retry_budget": False},
                   hostile_name: {"targets": ["main/hostile"]}},
        "prices": {"unknown": "allow", "models": {"small": {"input": "1.00", "output": "2.00"}}},
        "budgets": [{"name": "everything", "limit": "5.00", "per": "day"}],
        "objectives": [{"name": "chat", "group": "chat", "availability": 99.9, "ttft_p95": "2s"}],
        "keys": [{"name": "browser", "key": {"env": "CLIENT_KEY"}, "tenant": "tests"}]}))
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment |= {"ADMIN_KEY": ADMIN_KEY, "CLIENT_KEY": CLIENT_KEY, "UPSTREAM": "sk-upstream"}
    processes = []
    with open(folder / "log", "w") as log:
        try:
            for command, url in [
                ([BINARY, "mock", "--port", str(mock), "--script", "mock.json"],
                 f"http://127.0.0.1:{mock}/__mock/stats"),
                ([BINARY, "serve", "--config", "needletail.yaml"], f"http://127.0.0.1:{api}/health"),
            ]:
                processes.append(subprocess.Popen(
                    command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=log))
                wait_for(url, processes[-1], folder / "log")
            it = Gateway(api, admin)
            it.hostile_name = hostile_name
            yield it
        finally:
            for each in reversed(processes):
                each.terminate()
                each.wait()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            # Tests run as root in containers, where Chromium's own sandbox cannot.
            args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
        browser.close()


class Dashboard:
    """A page, and whatever it should not have done."""

    def __init__(self, context, gateway):
        self.gateway = gateway
        self.context = context
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.faults = []
        # Chromium reports an answer such as 401 by itself: those that a test means.
        self.allowed = []
        self.loaded = {}
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", self.watch)
        self.page.on("response", self.weigh)

    def hear(self, message):
        if any(each in message.text for each in self.allowed):
            return
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text}")

    def watch(self, request):
        if not request.url.startswith((self.gateway.admin, "blob:", "data:")):
            self.faults.append(f"asked {request.url}")

    def weigh(self, response):
        self.loaded[response.url] = response

    def come(self):
        """Opens the page that asks for the key."""
        self.allowed = ["401"]
        self.page.goto(self.gateway.admin + "/")
        expect(self.page.get_by_label("Key")).to_be_editable()
        return self

    def log_in(self):
        self.come()
        return self.enter()

    def enter(self):
        self.page.get_by_label("Key").fill(ADMIN_KEY)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("heading", name="Overview", exact=True).wait_for()
        self.allowed = []
        return self

    def open(self, name):
        self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True).click()
        self.page.locator("h1", has_text=name.split(" ")[0]).wait_for()
        return self.page


@pytest.fixture
def dashboard(chromium, gateway, request):
    options = getattr(request, "param", {})
    context = chromium.new_context(**options)
    it = Dashboard(context, gateway)
    yield it
    hacked = it.page.evaluate("window.hacked")
    context.close()
    assert hacked is None
    assert it.faults == []


MEASURED = []


@pytest.fixture
def measured():
    """What is told at the end of the run."""
    return MEASURED


def pytest_terminal_summary(terminalreporter):
    for line in MEASURED:
        terminalreporter.write_line(line)
