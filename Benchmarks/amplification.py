#!/usr/bin/env python3
"""Upstream calls for each client request while the upstream fails always, with the official SDKs' default retries.

  amplification.py [--requests 24] [--binary PATH]

Run it by `Scripts/bench --amplification`, which brings the SDKs. For each `max_attempts` of a group of two failing
upstreams, with and without the group's retry budget, `--requests` requests are made at once by either SDK. Prints calls
of the upstream for each of them; what it would be if SDK and gateway knew nothing of each other; and what the
configuration allows. Exit code 1 if that is exceeded.
"""
import argparse, concurrent.futures, os, pathlib, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests/SDK"))
SDK_TRIES = 3  # the first and the two repetitions that both SDKs make by default

SCRIPT = 'delay: 0s\nrules:\n  - { match: { model: "*" }, reply: { status: 500, text: "The server had an error" } }\n'
HEAD = """listen: {{ api: 127.0.0.1:{api}, admin: 127.0.0.1:{admin} }}
providers:
  one: {{ type: openai-compatible, base_url: "http://127.0.0.1:{mock}/v1", api_key: {{ env: UP }}, retry: {{ max_attempts: 5, base_delay: 1ms }}, circuit_breaker: false }}
  two: {{ type: anthropic-compatible, base_url: "http://127.0.0.1:{mock}", api_key: {{ env: UP }}, retry: {{ max_attempts: 5, base_delay: 1ms }}, circuit_breaker: false }}
models:
"""
GROUP = "  g{tries}{name}: {{ targets: [one/a, two/b], max_attempts: {tries}, retry_budget: {budget} }}\n"
BUDGETS = {"": "false", "b": "{ ratio: 0.1, per_second: 10 }"}


def ask(gateway, sdk, model):
    import anthropic, openai
    message = [{"role": "user", "content": "hi"}]
    try:
        if sdk == "openai":
            with openai.OpenAI(base_url=gateway.base + "/v1", api_key="any", timeout=60) as client:
                client.chat.completions.create(model=model, messages=message)
        else:
            with anthropic.Anthropic(base_url=gateway.base, api_key="any", timeout=60) as client:
                client.messages.create(model=model, max_tokens=9, messages=message)
    except (openai.APIStatusError, anthropic.APIStatusError):
        return
    sys.exit("a request succeeded, and the upstream fails always")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--requests", type=int, default=24)
    arguments.add_argument("--binary", default=os.environ.get("NEEDLETAIL_BINARY"))
    given = arguments.parse_args()
    os.environ["NEEDLETAIL_BINARY"] = given.binary
    from conftest import Gateway, wait_for
    from ports import free_ports

    api, admin, mock = free_ports(3)
    gateway, processes, failed = Gateway(api, admin, mock), [], False
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "mock.yaml").write_text(SCRIPT)
        text = HEAD.format(api=api, admin=admin, mock=mock)
        for tries in range(1, 6):
            for name, budget in BUDGETS.items():
                text += GROUP.format(tries=tries, name=name, budget=budget)
        pathlib.Path(folder, "needletail.yaml").write_text(text)
        try:
            for command, url in [
                ([given.binary, "mock", "--port", str(mock), "--script", "mock.yaml"], gateway.mock + "/__mock/stats"),
                ([given.binary, "serve", "--config", "needletail.yaml"], gateway.base + "/health"),
            ]:
                processes.append(subprocess.Popen(
                    command, cwd=folder, env=os.environ | {"UP": "key"}, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL))
                wait_for(url, processes[-1])
            print("upstream calls for each client request, upstream failing always, SDKs with their default retries")
            print("max_attempts  no budget  with budget  allowed  unaware of each other")
            with concurrent.futures.ThreadPoolExecutor(given.requests) as pool:
                for tries in range(1, 6):
                    allowed = sum(max(1, tries - repetition) for repetition in range(SDK_TRIES))
                    row = []
                    for name in BUDGETS:
                        before = gateway.stats()["requests"]
                        list(pool.map(lambda number: ask(gateway, ("openai", "anthropic")[number % 2], f"g{tries}{name}"),
                                      range(given.requests)))
                        row.append((gateway.stats()["requests"] - before) / given.requests)
                    failed = failed or max(row) > allowed
                    print(f"{tries:12}  {row[0]:9.2f}  {row[1]:11.2f}  {allowed:7}  {tries * SDK_TRIES:22}")
        finally:
            for each in reversed(processes):
                each.kill()
                each.wait(10)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
