#!/usr/bin/env python3
"""Failover under load: one of three upstreams is killed (SIGKILL) and brought back while requests go on.

  failover.py [--seconds 20] [--rate 200] [--binary PATH]

Asks a group of three mock upstreams `--rate` times a second, whole replies. After a quarter of the time one upstream is killed, after
half of it it is started again. Prints how long it was asked in vain (ejected) and when it answered
again (returned). Exit code 1 if any client saw a failure, or if the upstream did not come back.
"""
import argparse, asyncio, collections, json, os, pathlib, signal, socket, subprocess, sys, tempfile, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BODY = json.dumps({"model": "chat", "max_tokens": 20, "messages": [{"role": "user", "content": "hello"}]}).encode()


def ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    found = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return found


def wait_for(port, path):
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as reply:
                return json.load(reply)
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"port {port} does not answer")
            time.sleep(0.05)


class Client:
    """Keeps connections; one request on each at a time."""

    def __init__(self, port):
        self.port, self.idle = port, []

    async def post(self):
        while True:
            reused = bool(self.idle)
            reader, writer = self.idle.pop() if reused else await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                             b"content-length: %d\r\n\r\n" % len(BODY) + BODY)
                head = await reader.readuntil(b"\r\n\r\n")
            except (OSError, asyncio.IncompleteReadError):
                writer.close()
                if reused:
                    continue
                raise
            status = int(head.split(b" ", 2)[1])
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
            await reader.readexactly(int(fields.get(b"content-length", b"0")))
            self.idle.append((reader, writer))
            return status, fields.get(b"x-needletail-provider", b"").decode(), int(fields.get(b"x-needletail-attempts", b"0"))


async def load(port, rate, seconds, events):
    client, results, tasks = Client(port), [], []
    begin = time.monotonic()

    async def one():
        at = time.monotonic() - begin
        try:
            status, provider, attempts = await asyncio.wait_for(client.post(), 30)
        except Exception as error:
            status, provider, attempts = repr(error), "", 0
        results.append((at, time.monotonic() - begin - at, status, provider, attempts))

    for number in range(int(rate * seconds)):
        due = number / rate
        while events and due >= events[0][0]:
            await asyncio.to_thread(events.pop(0)[1])
        delay = begin + due - time.monotonic()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.create_task(one()))
    await asyncio.gather(*tasks)
    return results


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seconds", type=float, default=20)
    a.add_argument("--rate", type=float, default=200)
    a.add_argument("--binary", default=os.environ.get("NEEDLETAIL_BINARY"))
    o = a.parse_args()
    binary = o.binary or subprocess.run(
        ["swift", "build", "--show-bin-path"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip() + "/needletail"
    api, admin, *mocks = ports(5)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "mock.yaml").write_text("delay: 20ms\n")
        providers = "".join(
            f"  m{i}: {{ type: openai-compatible, base_url: 'http://127.0.0.1:{port}/v1', api_key: {{ env: UP }}, "
            f"circuit_breaker: {{ recovery_timeout: 1s }} }}\n" for i, port in enumerate(mocks))
        (folder / "needletail.yaml").write_text(
            f"listen: {{ api: '127.0.0.1:{api}', admin: '127.0.0.1:{admin}' }}\nproviders:\n{providers}"
            "models:\n  chat: { strategy: round_robin, targets: [m0/m, m1/m, m2/m], max_attempts: 3 }\n")
        log = open(folder / "log", "w")
        processes = {}

        def start(name, *command):
            processes[name] = subprocess.Popen(
                [binary, *command], cwd=folder, stdout=log, stderr=log, env=os.environ | {"UP": "k"})

        def start_mock(i):
            start(f"m{i}", "mock", "--port", str(mocks[i]), "--script", "mock.yaml")

        def kill():
            processes["m1"].send_signal(signal.SIGKILL)
            processes["m1"].wait()

        try:
            for i, port in enumerate(mocks):
                start_mock(i)
                wait_for(port, "/__mock/stats")
            start("gateway", "serve", "--config", "needletail.yaml")
            wait_for(api, "/health")
            killed, back = o.seconds / 4, o.seconds / 2
            results = asyncio.run(load(api, o.rate, o.seconds, [(killed, kill), (back, lambda: start_mock(1))]))
        finally:
            for each in processes.values():
                each.kill()
                each.wait()
            log.close()
    results.sort()
    failures = collections.Counter(str(r[2]) for r in results if r[2] != 200)
    retried = [at for at, _, _, _, attempts in results if attempts > 1 and killed <= at]
    served = [at for at, _, status, provider, _ in results if provider == "m1" and at > back]
    # Ejected once no two requests in a row within a tenth of a second needed a second attempt.
    ejected = next((a for a, b in zip(retried, retried[1:] + [float("inf")]) if b - a > 0.1), killed) - killed
    returned = served[0] - back if served else None
    latencies = sorted(r[1] for r in results)
    print(f"failover: {len(results)} requests at {o.rate:g}/s, {sum(failures.values())} failures {dict(failures) or ''}, "
          f"{len(retried)} needed another attempt; ejected after {ejected * 1000:.0f} ms, "
          f"returned {f'{returned * 1000:.0f} ms after its start' if served else 'never'}; "
          f"p50 {latencies[len(latencies) // 2] * 1000:.1f} ms, p99 {latencies[int(len(latencies) * 0.99)] * 1000:.1f} ms")
    sys.exit(0 if not failures and served else 1)


if __name__ == "__main__":
    main()
