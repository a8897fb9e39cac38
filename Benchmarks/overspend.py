#!/usr/bin/env python3
"""The same attack on a budget, against Needletail and against LiteLLM's proxy: how much more is spent than was allowed.

    Benchmarks/overspend.py [--clients 64] [--limit 0.01] [--binary PATH] [--litellm VENV [--database URL]]

So many clients share one key with a budget and ask at once, streamed and whole, until they are refused. What was really
spent is what `needletail mock` served, at the price of gpt-4o-mini. LiteLLM is asked where a virtual environment with
`litellm[proxy]` is named, for a key's budget and for a provider's, which it keeps in memory. Its keys are in a PostgreSQL
database where one is named (which takes `prisma generate`), else they come from a custom auth, for which it runs the same
checks and reservations. See Benchmarks/README.md.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

INPUT, OUTPUT = 0.15e-6, 0.60e-6
USAGE = (1000, 1000)


def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(url, body=None, key=None, timeout=120):
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@contextlib.contextmanager
def started(command, url, folder, environment, seconds=120):
    with open(folder / "log", "a") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError):
                if ask(url, timeout=5)[0] < 500:
                    break
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{command[0]} does not answer at {url}:\n" + (folder / "log").read_text()[-3000:])
            time.sleep(0.2)
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()


def attack(base, key, model, clients, patience):
    """Every client asks until it is refused, or so many times."""

    def client(number):
        answers = 0
        for turn in range(patience):
            body = {"model": model, "max_tokens": USAGE[1], "stream": (number + turn) % 2 == 0,
                    "messages": [{"role": "user", "content": "Hello there"}]}
            status, reply = ask(base + "/v1/chat/completions", body, key)
            if status != 200:
                return answers, status, reply[:200]
            answers += 1
        return answers, 200, b""

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return list(pool.map(client, range(clients)))


def measure(name, base, key, model, mock, arguments):
    before = json.loads(ask(f"http://127.0.0.1:{mock}/__mock/stats")[1])
    begin = time.monotonic()
    results = attack(base, key, model, arguments.clients, arguments.patience)
    seconds = time.monotonic() - begin
    after = json.loads(ask(f"http://127.0.0.1:{mock}/__mock/stats")[1])
    spent = (after["input_tokens"] - before["input_tokens"]) * INPUT + (
        after["output_tokens"] - before["output_tokens"]) * OUTPUT
    refused = sum(1 for _, status, _ in results if status != 200)
    statuses = sorted({status for _, status, _ in results})
    words = next((reply.decode(errors="replace") for _, status, reply in results if status != 200), "")
    return {
        "gateway": name, "limit_usd": arguments.limit, "spent_usd": round(spent, 6),
        "overshoot_usd": round(max(0.0, spent - arguments.limit), 6),
        "times_the_limit": round(spent / arguments.limit, 2), "answers": sum(each[0] for each in results),
        "clients_refused": refused, "statuses": statuses, "refusal": words, "seconds": round(seconds, 1),
    }


def needletail(folder, mock, arguments):
    api, admin = port(), port()
    (folder / "needletail.yaml").write_text(f"""
listen: {{ api: 127.0.0.1:{api}, admin: 127.0.0.1:{admin} }}
providers:
  main: {{ type: openai, base_url: "http://127.0.0.1:{mock}", api_key: {{ env: UPSTREAM }} }}
keys:
  - {{ name: race, key: {{ env: RACE }}, budget: {{ limit: "{arguments.limit:.6f}", per: total }} }}
""")
    environment = os.environ | {"UPSTREAM": "u", "RACE": "nt-race"}
    base = f"http://127.0.0.1:{api}"
    with started([arguments.binary, "serve"], base + "/health", folder, environment):
        return measure("needletail", base, "nt-race", "main/gpt-4o-mini", mock, arguments)


KEY = """
from litellm.proxy._types import UserAPIKeyAuth


async def auth(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, token=api_key, max_budget=%r, spend=0.0)
"""


def litellm(folder, mock, arguments, whose):
    api = port()
    settings = ["general_settings:", "  master_key: sk-master"]
    if whose == "provider":
        settings += ["router_settings:", "  provider_budget_config:",
                     f"    openai: {{ budget_limit: {arguments.limit}, time_period: 1d }}"]
    elif arguments.database:
        settings.append(f"  database_url: {arguments.database}")
    else:
        (folder / "budget_key.py").write_text(KEY % arguments.limit)
        settings += ["  custom_auth: budget_key.auth", "  custom_auth_run_common_checks: true",
                     "litellm_settings:", "  enable_post_custom_auth_checks: true"]
    (folder / "litellm.yaml").write_text(f"""
model_list:
  - model_name: gpt-4o-mini
    litellm_params:
      model: openai/gpt-4o-mini
      api_base: http://127.0.0.1:{mock}/v1
      api_key: u
      input_cost_per_token: {INPUT}
      output_cost_per_token: {OUTPUT}
""" + "\n".join(settings) + "\n")
    binaries = pathlib.Path(arguments.litellm).resolve() / "bin"
    environment = os.environ | {
        "PATH": f"{binaries}:{os.environ['PATH']}", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "DISABLE_ADMIN_UI": "True",
    } | ({"DATABASE_URL": arguments.database} if arguments.database else {})
    base = f"http://127.0.0.1:{api}"
    command = [str(binaries / "litellm"), "--config", "litellm.yaml", "--port", str(api), "--host", "127.0.0.1"]
    with started(command, base + "/health/liveliness", folder, environment, 300):
        key = "sk-master" if whose == "provider" else "sk-race"
        if whose == "key" and arguments.database:
            status, reply = ask(base + "/key/generate", {"max_budget": arguments.limit}, "sk-master")
            if status != 200:
                sys.exit(f"litellm makes no key: {reply[:500]}")
            key = json.loads(reply)["key"]
        return measure(f"litellm ({whose}'s budget)", base, key, "gpt-4o-mini", mock, arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--limit", type=float, default=0.01)
    parser.add_argument("--patience", type=int, default=40, help="how often a client asks at most")
    parser.add_argument("--binary", default=os.environ.get("NEEDLETAIL_BINARY", ".build/release/needletail"))
    parser.add_argument("--litellm", help="a virtual environment with litellm[proxy]")
    parser.add_argument("--database", help="postgresql://… for LiteLLM's keys")
    arguments = parser.parse_args()
    arguments.binary = str(pathlib.Path(arguments.binary).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        mock = port()
        (folder / "mock.yaml").write_text(
            "usage: { input: %d, output: %d }\nrules:\n  - match: { model: '*' }\n    reply: { delay: 200ms }\n" % USAGE)
        command = [arguments.binary, "mock", "--port", str(mock), "--script", "mock.yaml"]
        with started(command, f"http://127.0.0.1:{mock}/__mock/stats", folder, os.environ):
            rows = [needletail(folder, mock, arguments)]
            if arguments.litellm:
                rows += [litellm(folder, mock, arguments, whose) for whose in ("key", "provider")]
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
