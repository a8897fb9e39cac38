#!/usr/bin/env python3
"""What translating costs: the gateway's CPU per request and per chunk from each of four dialects to each, beside passthrough.

  pairs.py [--requests 2000] [--streams 60] [--json FILE] [--bounds]

The client's dialect is the row, the upstream's the column; the diagonal passes bytes through. The upstream is the
gateway's own mock, on the other core. CPU is what the kernel accounts to the gateway's threads, in nanoseconds
(/proc/PID/task/*/schedstat), with all socket work. --bounds: a pair may cost 3 times its row's passthrough for a whole chat
of 2 KB, 2 times per chunk of a stream (docs: "translation" in README.md).
"""
import argparse, http.client, json, os, pathlib, signal, socket, subprocess, sys, tempfile, threading, time

BINARY = os.environ.get("NEEDLETAIL_BIN") or sys.exit("run Scripts/bench, or set NEEDLETAIL_BIN")
CHUNKS = 200
WHOLE, STREAMED = 3.0, 2.0
TEXT = "The swift sleeps on the wing and comes down to nest. "
TOOL = {"type": "object", "properties": {"city": {"type": "string", "description": "A city"}}, "required": ["city"]}
DIALECTS = ["chat", "messages", "responses", "gemini"]
PROVIDERS = {
    "chat": ("openai-compatible", "/v1"), "messages": ("anthropic-compatible", ""), "responses": ("openai", "/v1"),
    "gemini": ("gemini", "/v1beta"),
}


def body(dialect, model, streams):
    """A conversation of three turns with a tool, 2 KB."""
    turns = [("user", TEXT * 10), ("assistant", TEXT * 8), ("user", TEXT * 6)]
    system = TEXT * 4
    if dialect == "chat":
        request = {
            "model": model, "max_tokens": 4000, "temperature": 0.5,
            "messages": [{"role": "system", "content": system}] + [{"role": r, "content": t} for r, t in turns],
            "tools": [{"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": TOOL}}],
        }
    elif dialect == "messages":
        request = {
            "model": model, "max_tokens": 4000, "temperature": 0.5, "system": system,
            "messages": [{"role": r, "content": t} for r, t in turns],
            "tools": [{"name": "weather", "description": "Weather", "input_schema": TOOL}],
        }
    elif dialect == "responses":
        request = {
            "model": model, "max_output_tokens": 4000, "temperature": 0.5, "instructions": system, "store": False,
            "input": [{"role": r, "content": t} for r, t in turns],
            "tools": [{"type": "function", "name": "weather", "description": "Weather", "parameters": TOOL, "strict": False}],
        }
    else:
        request = {
            "systemInstruction": {"parts": [{"text": system}]},
            "contents": [{"role": "model" if r == "assistant" else r, "parts": [{"text": t}]} for r, t in turns],
            "generationConfig": {"maxOutputTokens": 4000, "temperature": 0.5},
            "tools": [{"functionDeclarations": [{"name": "weather", "description": "Weather", "parameters": TOOL}]}],
        }
    if streams and dialect != "gemini": request["stream"] = True
    return json.dumps(request).encode()


def path(dialect, model, streams):
    if dialect != "gemini": return {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}[dialect]
    return f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if streams else "generateContent")


def spent(pid):
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try: total += int(pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
        except OSError: pass
    return total


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets: s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets: s.close()
    return ports


def wait(port):
    end = time.monotonic() + 20
    while True:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0: return
        if time.monotonic() > end: sys.exit(f"nothing listens on {port}")
        time.sleep(0.02)


def load(port, dialect, model, streams, count, clients=8):
    """Asks `count` times, from a few connections."""
    data, target, faults = body(dialect, model, streams), path(dialect, model, streams), []
    def client(share):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for _ in range(share):
            connection.request("POST", target, data, {"content-type": "application/json", "authorization": "Bearer sk-bench"})
            reply = connection.getresponse()
            text = reply.read()
            if reply.status != 200 or (streams and text.count(b"data: ") < CHUNKS): faults.append((reply.status, text[:300]))
        connection.close()
    threads = [threading.Thread(target=client, args=(count // clients,)) for _ in range(clients)]
    for t in threads: t.start()
    for t in threads: t.join()
    if faults: sys.exit(f"{dialect} to {model}: {len(faults)} of {count} failed, the first: {faults[0]}")
    return count // clients * clients


def table(title, unit, figures):
    lines = [f"\n### {title}\n", "| client \\ upstream | " + " | ".join(DIALECTS) + " |", "|---" * (len(DIALECTS) + 1) + "|"]
    for client in DIALECTS:
        cells = []
        for upstream in DIALECTS:
            value = figures[client, upstream]
            cells.append(f"{value:.1f} {unit}" if client == upstream else f"{value:.1f} ({value / figures[client, client]:.2f} ×)")
        lines.append(f"| {client} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--requests", type=int, default=2000)
    a.add_argument("--streams", type=int, default=64)
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--bounds", action="store_true")
    o = a.parse_args()
    os.sched_setaffinity(0, {1})
    folder = pathlib.Path(tempfile.mkdtemp())
    mock, api, admin = free_ports(3)
    (folder / "mock.yaml").write_text(
        "seed: 1\ndelay: 0s\nmodels: [m]\nrules:\n"
        f"  - match: {{ model: s }}\n    reply: {{ chunks: {CHUNKS}, text: {json.dumps(TEXT * 40)} }}\n"
        f"  - match: {{ model: m }}\n    reply: {{ text: {json.dumps(TEXT * 20)} }}\n")
    configuration = f"listen: {{ api: 127.0.0.1:{api}, admin: 127.0.0.1:{admin} }}\nproviders:\n"
    for dialect, (kind, base) in PROVIDERS.items():
        configuration += f"  {dialect}: {{ type: {kind}, base_url: 'http://127.0.0.1:{mock}{base}', api_key: k"
        configuration += ", api: responses }\n" if dialect == "responses" else " }\n"
    configuration += 'keys: [{ name: bench, key: sk-bench, models: ["*"] }]\n'
    (folder / "needletail.yaml").write_text(configuration)
    processes = []
    try:
        for core, arguments, port in [
            ("1", ["mock", "--port", str(mock), "--script", str(folder / "mock.yaml")], mock),
            ("0", ["serve", "--config", str(folder / "needletail.yaml")], api),
        ]:
            log = open(folder / f"{arguments[0]}.log", "wb")
            processes.append(subprocess.Popen(["taskset", "-c", core, BINARY, *arguments], stdout=log, stderr=log))
            wait(port)
        gateway = processes[-1].pid
        figures = {False: {}, True: {}}
        for streams, count, per in [(False, o.requests, 1), (True, o.streams, CHUNKS)]:
            for client in DIALECTS:
                for upstream in DIALECTS:
                    model = f"{upstream}/{'s' if streams else 'm'}"
                    load(api, client, model, streams, max(16, count // 10))
            # In turn, and the least of the rounds: what else the machine does only adds.
            for _ in range(o.rounds):
                for client in DIALECTS:
                    for upstream in DIALECTS:
                        model = f"{upstream}/{'s' if streams else 'm'}"
                        before = spent(gateway)
                        asked = load(api, client, model, streams, count)
                        cost = (spent(gateway) - before) / asked / per / 1000
                        figures[streams][client, upstream] = min(cost, figures[streams].get((client, upstream), cost))
    finally:
        for process in reversed(processes): process.send_signal(signal.SIGTERM)
        for process in processes: process.wait(10)
    print(table("Translation: a whole chat of 2 KB, CPU per request", "µs", figures[False]))
    print(table(f"Translation: a stream of {CHUNKS} chunks, CPU per chunk", "µs", figures[True]))
    if not o.bounds: return
    over = [
        f"{client} to {upstream} costs {values[client, upstream] / values[client, client]:.2f} times passthrough ({what})"
        for values, bound, what in [(figures[False], WHOLE, "whole"), (figures[True], STREAMED, "streamed")]
        for client in DIALECTS for upstream in DIALECTS
        if values[client, upstream] > bound * values[client, client]
    ]
    print("\n" + ("\n".join(over) if over else f"No pair costs over {WHOLE:g} times passthrough whole, {STREAMED:g} streamed."))
    sys.exit(bool(over))


if __name__ == "__main__": main()
