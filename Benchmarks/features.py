#!/usr/bin/env python3
"""What a gateway's features cost, by CPU for each request that is passed through.

  features.py [--rounds 12] [--requests 8000] [--only NAMES]

The same binary runs once for each set of features, all beside each other and pinned to core 0. Rounds are short and go through the sets in
turn, beginning with another each time; what is shown is the median of the differences to the bare gateway within a round, so that what
disturbs the machine disturbs both. CPU is the kernel's own run time of all threads, in nanoseconds. The exit code is 1 above a bound.
"""
import argparse, json, os, pathlib, shutil, signal, socket, statistics, subprocess, sys, tempfile, threading, time
import bench

BINARY = os.environ.get("NEEDLETAIL_BIN") or sys.exit("features: say in NEEDLETAIL_BIN which binary to measure")
KEY = "sk-bench"
MONEY = f"""
keys: [ {{ name: one, key: {KEY}, tenant: blue, limits: {{ rpm: 100000000 }}, budget: {{ limit: 1000000.00, per: day }} }} ]
budgets:
  - {{ name: all, limit: 1000000.00, per: month }}
  - {{ name: blue, tenant: blue, limit: 1000000.00, per: day }}
prices: {{ models: {{ "*": {{ input: 1.00, output: 2.00 }} }} }}
store: on
"""


def seeing(endpoint, logs="false"):
    return f'telemetry: {{ log: {{ format: json }}, traces: {{ sample: 0.1 }}, otlp: {{ endpoint: "{endpoint}", interval: 5s, logs: {logs} }} }}\n'


QUIET = 'telemetry: { log: { requests: "off" } }\n'
COLLECTOR = f"http://127.0.0.1:{bench.MOCK_PORT}"
# What the store would hold by itself is off in the bare gateway.
BARE = "store: off\n"
# name: (what the file says, where its log goes, bound in µs over the bare gateway)
SETS = {
    "bare": (BARE + QUIET, "file", None),
    "keys, tenant, three budgets, ledger, audit": (MONEY + QUIET, "file", 6.0),
    "metrics, sampled traces, JSON logs": (BARE + seeing(COLLECTOR), "file", 4.0),
    "the same, nobody at the collector's port": (BARE + seeing("http://127.0.0.1:9"), "file", 4.0),
    "the same, a collector that never answers": (BARE + seeing("http://127.0.0.1:{silent}"), "file", 4.0),
    "the same, a log that nobody reads": (BARE + seeing(COLLECTOR), "stuck", 4.0),
    "and every line to the collector too": (BARE + seeing(COLLECTOR, "true"), "file", None),
    "all of it": (MONEY + seeing(COLLECTOR), "file", 10.0),
}
# Of those beside "metrics, sampled traces, JSON logs" which must not wait or grow more than that does.
UNMOVED = [name for name in SETS if name.startswith("the same")]


class Gateway:
    def __init__(self, name, number, folder, silent):
        text, self.output, self.bound = SETS[name]
        self.name, self.port, self.folder = name, 9140 + 2 * number, folder / str(number)
        self.folder.mkdir()
        (self.folder / "needletail.yaml").write_text(
            f"listen: {{ api: 127.0.0.1:{self.port}, admin: 127.0.0.1:{self.port + 1} }}\n"
            f"providers: {{ up: {{ type: openai, base_url: http://127.0.0.1:{bench.MOCK_PORT}/v1, api_key: sk-upstream }} }}\n"
            "models: { bench: { targets: [up/bench] } }\n" + text.replace("{silent}", str(silent)))
    def __enter__(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        output = subprocess.PIPE if self.output == "stuck" else open(self.folder / "log", "wb")
        self.process = subprocess.Popen(["taskset", "-c", "0", BINARY, "serve", "--config", "needletail.yaml"], cwd=self.folder, env=environment,
                                        stdout=subprocess.DEVNULL, stderr=output)
        for _ in range(1200):
            try:
                if b" 200 " in bench.http(self.port, "GET", "/health/live").split(b"\r\n", 1)[0]: return self
            except OSError: pass
            if self.process.poll() is not None: break
            time.sleep(0.05)
        self.__exit__()
        sys.exit(f"features: '{self.name}' did not start")
    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stderr: self.process.stderr.close()
    def ran(self):
        """Nanoseconds that all threads have run."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try: total += int((task / "schedstat").read_text().split()[0])
            except OSError: pass
        return total
    def resident(self): return bench.rss_fast([self.process.pid]) / 1024
    def round(self, body, requests):
        bench.ctl("body=1024&lat=0")
        before = self.ran()
        done = subprocess.run(["taskset", "-c", "1", str(bench.BIN / "llmload"), "--port", str(self.port), "--path", "/v1/chat/completions", "--body", str(body),
                               "--conns", "16", "--requests", str(requests), "--duration", "60", "--warmup", "0", "--timeout", "30", "-H", f"Authorization: Bearer {KEY}"],
                              capture_output=True, timeout=120)
        spent = self.ran() - before
        out = json.loads(done.stdout)
        if out["errors"]: sys.exit(f"features: {out['errors']} errors with '{self.name}'")
        return spent / 1000 / requests, out["lat_us"]["p50"], out["lat_us"]["p99"]


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    a = argparse.ArgumentParser()
    a.add_argument("--rounds", type=int, default=12)
    a.add_argument("--requests", type=int, default=8000)
    a.add_argument("--only", help="names, with semicolons; the bare one is always there")
    o = a.parse_args()
    names = [name for name in SETS if name == "bare" or not o.only or any(part.strip() in name for part in o.only.split(";"))]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="features-"))
    body = folder / "body.json"
    body.write_text(json.dumps(json.loads((bench.HERE / "bodies" / "chat-1k.json").read_text()) | {"model": "bench"}))
    with socket.socket() as silent:
        # Connections are made by the kernel, and nobody ever reads them.
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        gateways, status = [], 0
        try:
            with bench.Mock():
                for number, name in enumerate(names): gateways.append(Gateway(name, number, folder, silent.getsockname()[1]).__enter__())
                for gateway in gateways: gateway.round(body, o.requests)
                level = [gateway.resident() for gateway in gateways]
                seen = [[] for _ in gateways]
                for turn in range(o.rounds):
                    for index in range(len(gateways)):
                        index = (index + turn) % len(gateways)
                        seen[index].append(gateways[index].round(body, o.requests))
                    print(".", end="", file=sys.stderr, flush=True)
                print(file=sys.stderr)
                print(f"| features | CPU µs a request | more than bare, µs | at most | held | p50 / p99 ms | resident MB, growth |\n|---|---|---|---|---|---|---|")
                shown = {}
                for gateway, rounds, before in zip(gateways, seen, level):
                    more = statistics.median(one[0] - bare[0] for one, bare in zip(rounds, seen[0]))
                    held = gateway.bound is None or more <= gateway.bound
                    if not held: status = 1
                    p50, p99 = (statistics.median(one[place] for one in rounds) / 1000 for place in (1, 2))
                    grown = gateway.resident() - before
                    shown[gateway.name] = (p50, grown)
                    print(f"| {gateway.name} | {statistics.median(one[0] for one in rounds):.1f} | {more:+.1f} | {gateway.bound or '-'} | {'-' if gateway.bound is None else 'yes' if held else 'NO'} "
                          f"| {p50:.2f} / {p99:.2f} | {gateway.resident():.0f}, {grown:+.1f} |")
                like = shown.get("metrics, sampled traces, JSON logs")
                for name in UNMOVED:
                    if like is None or name not in shown: continue
                    p50, grown = shown[name]
                    # A queue of 8192 requests and as many log lines may fill, and a log of 16384; then nothing may grow.
                    print(f"{name}: p50 {p50 / like[0]:.2f} of one that is read, {grown - like[1]:+.1f} MB")
        finally:
            for gateway in gateways: gateway.__exit__()
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status)


if __name__ == "__main__": main()
