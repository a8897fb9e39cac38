#!/usr/bin/env python3
"""Every page of the dashboard over a million requests. What its pages ask of the admin API must be answered within 300 ms.

  million.py [--rows 1000000] [--rounds 5] [--folder DIR]

A gateway with a mock behind it serves some requests of every kind. Copies of what it wrote, with other keys, models, times and costs,
fill its request history and its ledger up to the number of rows; then it starts again, and each route is asked in turn, some times, with
a few clients at work. The exit code is 1 if the median of a route is above the bound. Needs NEEDLETAIL_BIN (`Scripts/release` prints it).
"""
import argparse, json, os, pathlib, re, signal, sqlite3, statistics, subprocess, sys, tempfile, threading, time, urllib.error, urllib.parse, urllib.request

BOUND = 300.0  # ms
API, ADMIN = 9130, 9131
BINARY = os.environ.get("NEEDLETAIL_BIN") or sys.exit("million: say in NEEDLETAIL_BIN which binary to measure")
CONFIGURATION = f"""
listen: {{ api: 127.0.0.1:{API}, admin: 127.0.0.1:{ADMIN} }}
providers:
  first: {{ type: mock, delay: 0s, models: [small, large], retry: {{ max_attempts: 1 }}, circuit_breaker: false, script: mock.yaml }}
  second: {{ type: mock, delay: 0s, models: [small, large] }}
models:
  chat: {{ targets: [first/small, second/small] }}
  failing: {{ targets: [first/bad, second/large], retry_budget: false }}
keys: [ {{ name: key-0, key: a-key-of-the-benchmark, tenant: blue, budget: {{ limit: 1000000.00, per: day }} }} ]
prices: {{ models: {{ "*": {{ input: 1.00, output: 2.00 }} }} }}
telemetry: {{ requests: {{ size: 1000, history: 90d }}, log: {{ requests: "off" }} }}
"""
SCRIPT = """
rules:
  - { match: { model: bad }, reply: { status: 500, delay: 0s } }
  - { reply: { delay: 0s } }
"""


def ask(path, method="GET", body=None, port=ADMIN):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"content-type": "application/json", "authorization": "Bearer a-key-of-the-benchmark"})
    try:
        with urllib.request.urlopen(request, timeout=120) as reply: return reply.status, reply.read()
    except urllib.error.HTTPError as error: return error.code, error.read()


def chat(model):
    return ask("/v1/chat/completions", "POST", {"model": model, "messages": [{"role": "user", "content": "Hello"}]}, API)[0]


class Gateway:
    def __init__(self, folder): self.folder = folder
    def __enter__(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OPENAI_", "ANTHROPIC_"))}
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([BINARY, "serve", "--config", "needletail.yaml"], cwd=self.folder, env=environment, stdout=self.log, stderr=self.log)
        for _ in range(6000):
            try:
                if ask("/health/live")[0] == 200: return self
            except OSError: pass
            if self.process.poll() is not None: break
            time.sleep(0.05)
        sys.exit(f"million: the gateway did not start: {(self.folder / 'log').read_text()[-2000:]}")
    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


def copies(database, table, count, change):
    """Adds rows like those that are there, each changed by `change(row, number)`, until the table has `count`."""
    database.row_factory = sqlite3.Row
    seeds = [dict(row) for row in database.execute(f"SELECT * FROM {table}")]
    assert seeds, f"the gateway wrote nothing into {table}"
    names = list(seeds[0])
    statement = f"INSERT INTO {table} ({','.join(names)}) VALUES ({','.join('?' * len(names))})"
    begin = len(seeds)
    with database:
        # Made again at the end: a million times in their order is quicker than as they come.
        indices = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", [table]).fetchall()
        for name, _ in indices: database.execute(f"DROP INDEX {name}")
        database.executemany(statement, (tuple(change(dict(seeds[number % begin]), number).values()) for number in range(begin, count)))
        for _, sql in indices: database.execute(sql)


def opened(path):
    """For writing at once, and for nothing that has to outlive a crash."""
    database = sqlite3.connect(path)
    for pragma in ("wal_checkpoint(TRUNCATE)", "journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"): database.execute("PRAGMA " + pragma)
    return database


def closed(database):
    database.execute("PRAGMA journal_mode = WAL")
    database.close()


def fill(folder, rows):
    now, span = time.time(), 30 * 86400
    moment = lambda number: now - span + span * number / rows  # oldest first, as they come
    database = opened(folder / "needletail.db")
    def line(row, number):
        row.update(id=number + 1, at=int(moment(number) * 1000), request=1_000_000 + number - (number % 50 == 0), request_id=f"req-{number}", key=f"key-{number % 40}",
                   model=f"model-{number % 23}", provider=["first", "second", "third"][number % 3], user=f"user-{number % 5000}",
                   attempt=2 if number % 50 == 0 else 1, cost_pico_usd=None if row["cost_pico_usd"] is None else row["cost_pico_usd"] + number % 1000 * 1_000_000)
        return row
    copies(database, "ledger", rows, line)
    closed(database)
    database = opened(folder / "needletail-requests.db")
    stories = {row[0]: row[1:] for row in database.execute("SELECT number, row, whole FROM story")}
    kinds = {}
    def request(row, number):
        kinds[number + 1] = (row["number"], row["id"])
        row.update(number=number + 1, at=int(moment(number)), id=f"req-{number}", key=f"key-{number % 40}", model=f"model-{number % 23}",
                   duration_ms=number * 7919 % 20000, cost_pico_usd=number % 1000 * 1_000_000)
        return row
    copies(database, "request", rows, request)
    def texts():
        for number, (kind, was) in kinds.items():
            row, whole = (re.sub(r'"number":\d+', f'"number":{number}', text.replace(was, f"req-{number - 1}"), count=1) for text in stories[kind])
            yield number, row, whole
    with database: database.executemany("INSERT INTO story VALUES (?,?,?)", texts())
    closed(database)


def routes(rows):
    """By page, as Sources/CNeedletailDashboard/Static asks."""
    week = int(time.time()) - 7 * 86400
    return {
        "every page": ["/admin/v1/whoami"],
        "Overview": ["/admin/v1/overview?minutes=60", "/health/detailed", "/admin/v1/alerts"],
        "Alerts": ["/admin/v1/objectives"],
        "Providers": ["/admin/v1/providers?limit=200", "/admin/v1/breakers?limit=200", "/health/providers", "/admin/v1/latency"],
        "Groups": ["/admin/v1/groups?limit=200", "/admin/v1/overview?minutes=5", "/admin/v1/experiments"],
        "Requests": ["/admin/v1/requests?limit=100", f"/admin/v1/requests?limit=100&before={rows - 5000}", f"/admin/v1/requests?limit=100&before={rows // 2}",
                     "/admin/v1/requests?limit=100&status=5xx", "/admin/v1/requests?limit=100&status=429", "/admin/v1/requests?limit=100&model=model-7",
                     "/admin/v1/requests?limit=100&model=no-such", "/admin/v1/requests?limit=100&key=key-3", "/admin/v1/requests?limit=100&provider=nobody",
                     "/admin/v1/requests?limit=100&min_duration_ms=19990", "/admin/v1/requests?limit=100&min_cost_usd=5", f"/admin/v1/requests/req-{rows // 2}"],
        "Costs": [f"/admin/v1/costs?by={by}&since={week}" for by in ("model", "key", "provider", "day")],
        "Keys": ["/admin/v1/keys?limit=200", "/admin/v1/budgets?limit=200"],
        "Configuration": ["/admin/v1/config", "/admin/v1/config/effective"],
        "Playground": ["/admin/v1/models"],
        "Prometheus": ["/metrics"],
        "Costs of all time": [f"/admin/v1/costs?by={by}" for by in ("model", "key", "provider", "day")],
        # Asked for by hand, and known to add up every line.
        "Costs of all by hand": [f"/admin/v1/costs?by={by}" for by in ("key,model,provider,day", "user")],
    }


def measure(rows, rounds):
    stop, served = threading.Event(), [0]
    def client():
        while not stop.is_set():
            if chat("chat") == 200: served[0] += 1
            stop.wait(0.02)
    clients = [threading.Thread(target=client) for _ in range(2)]
    for each in clients: each.start()
    slow = []
    print(f"| page | route | answer | median ms | slowest ms | within {BOUND:.0f} |\n|---|---|---|---|---|---|")
    for page, paths in routes(rows).items():
        for path in paths:
            times = []
            for _ in range(rounds):
                begin = time.monotonic()
                status, body = ask(path)
                times.append((time.monotonic() - begin) * 1000)
            median = statistics.median(times)
            bound = float("inf") if "by hand" in page else BOUND
            if status not in (200, 503) or median > bound: slow.append(path)
            print(f"| {page} | `{path}` | {status}, {len(body):,} bytes | {median:.1f} | {max(times):.1f} | {'-' if bound > BOUND else 'yes' if median <= bound else 'NO'} |", flush=True)
    stop.set()
    for each in clients: each.join()
    print(f"\n{served[0]} requests were served meanwhile.")
    return slow


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    a = argparse.ArgumentParser()
    a.add_argument("--rows", type=int, default=1_000_000)
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--folder", help="kept, and used again where it is full already")
    o = a.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(o.folder or made)
        folder.mkdir(exist_ok=True)
        (folder / "needletail.yaml").write_text(CONFIGURATION)
        (folder / "mock.yaml").write_text(SCRIPT)
        if not (folder / "full").exists():
            with Gateway(folder):
                for model in ["chat", "chat", "failing", "first/large", "first/bad", "second/small", "no-such"] * 30: chat(model)
            begin = time.monotonic()
            fill(folder, o.rows)
            (folder / "full").touch()
            print(f"{o.rows:,} rows each written in {time.monotonic() - begin:.0f} s\n", flush=True)
        with Gateway(folder): slow = measure(o.rows, o.rounds)
    if slow: sys.exit(f"million: {len(slow)} too slow or no answer: {' '.join(slow)}")


if __name__ == "__main__": main()
