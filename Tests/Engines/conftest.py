"""Starts one engine, as Scripts/test-engines has installed it, and a gateway in front of it."""

import dataclasses
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

import anthropic
import openai
import pytest

BINARY = os.environ["NEEDLETAIL_BINARY"]
ENGINE = os.environ["ENGINE"]
PYTHON = pathlib.Path(os.environ["ENGINE_PYTHON"]).absolute()
MODEL = pathlib.Path(os.environ["ENGINE_MODEL"]).absolute()
# How long an engine may take to start, in seconds.
PATIENCE = float(os.environ.get("ENGINE_PATIENCE", 600))
KEY = "nt-key-of-the-engine-tests"
# Nothing is fetched and nobody is told.
QUIET = {
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1",
    "VLLM_HOST_IP": "127.0.0.1", "VLLM_CPU_KVCACHE_SPACE": "1", "TOKENIZERS_PARALLELISM": "false",
}


@dataclasses.dataclass
class Server:
    process: subprocess.Popen
    url: str
    log: pathlib.Path

    def wait(self, path, patience):
        deadline = time.monotonic() + patience
        while True:
            try:
                with urllib.request.urlopen(self.url + path, timeout=5) as reply:
                    return reply.read()
            except (OSError, urllib.error.HTTPError):
                end = self.log.read_text(errors="replace")[-4000:]
                if self.process.poll() is not None:
                    pytest.exit(f"{end}\n{ENGINE}: ended with {self.process.returncode}", returncode=3)
                if time.monotonic() > deadline:
                    pytest.exit(f"{end}\n{ENGINE}: no answer for {patience:g} s", returncode=3)
                time.sleep(0.2)


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def vllm(port, kind):
    # The package is not named vllm, which its command `vllm` does not know.
    command = [
        PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", MODEL, "--served-model-name", f"tiny-{kind}",
        "--host", "127.0.0.1", "--port", port, "--dtype", "float32", "--max-model-len", 1024, "--max-num-seqs", 4,
        "--enforce-eager"]
    if kind == "embed":
        return command + ["--runner", "pooling", "--convert", "embed"]
    # Random weights would fill any white space that a schema allows.
    structured = json.dumps({"backend": "xgrammar", "disable_any_whitespace": True})
    return command + [
        "--enable-auto-tool-choice", "--tool-call-parser", "hermes", "--structured-outputs-config", structured]


def llamacpp(port, folder):
    """One server with two models: it makes vectors, or it speaks."""
    both = {"model": str(MODEL / "tiny.gguf"), "n_ctx": 1024, "seed": 7, "verbose": False}
    file = folder / "llamacpp.json"
    file.write_text(json.dumps({"host": "127.0.0.1", "port": port, "models": [
        both | {"model_alias": "tiny-chat", "chat_format": "chatml-function-calling", "logits_all": True},
        both | {"model_alias": "tiny-embed", "embedding": True},
    ]}))
    return [PYTHON, "-m", "llama_cpp.server", "--config_file", file]


@dataclasses.dataclass
class Engine:
    base: str
    chat: str
    embed: str
    is_vllm: bool
    # Where the engine itself is.
    own: str

    @property
    def streams_usage(self):
        """llama-cpp-python does not count in streams."""
        return self.is_vllm


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    servers = []

    def start(command, port, environment=None):
        log = folder / f"log-{len(servers)}"
        with open(log, "w") as output:
            process = subprocess.Popen(
                [str(word) for word in command], cwd=folder, env=os.environ | QUIET | (environment or {}),
                stdout=output, stderr=subprocess.STDOUT)
        servers.append(Server(process, f"http://127.0.0.1:{port}", log))
        return servers[-1]

    try:
        begun = time.monotonic()
        ports = [free_port()]
        if ENGINE == "vllm":
            ports.append(free_port())
            for port, kind in zip(ports, ["chat", "embed"]):
                start(vllm(port, kind), port).wait("/v1/models", PATIENCE)
        else:
            start(llamacpp(ports[0], folder), ports[0]).wait("/v1/models", PATIENCE)
        print(f"{ENGINE} was there after {time.monotonic() - begun:.0f} s")
        names = ["engine", "embed"][: len(ports)]
        providers = {
            name: {"type": ENGINE, "base_url": f"http://127.0.0.1:{port}/v1", "retry": {"max_attempts": 1},
                   "timeouts": {"first_token": "120s", "idle": "120s"}, "circuit_breaker": False}
            for name, port in zip(names, ports)}
        api, admin = free_port(), free_port()
        file = folder / "needletail.yaml"
        # JSON is YAML too.
        file.write_text(json.dumps({
            "listen": {"api": f"127.0.0.1:{api}", "admin": f"127.0.0.1:{admin}"}, "providers": providers,
            "keys": [{"name": "engines", "key": {"env": "ENGINE_TEST_KEY"}, "models": ["*"]}]}))
        gateway = start([BINARY, "serve", "--config", file], api, {"ENGINE_TEST_KEY": KEY})
        gateway.wait("/health", 30)
        yield Engine(gateway.url, "engine/tiny-chat", f"{names[-1]}/tiny-embed", ENGINE == "vllm", servers[0].url)
    finally:
        for server in reversed(servers):
            server.process.terminate()
        for server in servers:
            try:
                server.process.wait(30)
            except subprocess.TimeoutExpired:
                server.process.kill()
            print(f"{server.log.name}:\n{server.log.read_text(errors='replace')[-3000:]}")


@pytest.fixture
def oai(engine):
    with openai.OpenAI(base_url=engine.base + "/v1", api_key=KEY, max_retries=0, timeout=180) as client:
        yield client


@pytest.fixture
def direct(engine):
    with openai.OpenAI(base_url=engine.own + "/v1", api_key="none", max_retries=0, timeout=180) as client:
        yield client


@pytest.fixture
def ant(engine):
    with anthropic.Anthropic(base_url=engine.base, api_key=KEY, max_retries=0, timeout=180) as client:
        yield client


@pytest.fixture
def only_vllm(engine):
    if not engine.is_vllm:
        pytest.skip("vLLM only")
