"""Money under fire: 64 clients of the official SDKs, streamed and whole, on one budget, while the gateway is killed."""

import concurrent.futures
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.request

import anthropic
import openai

from conftest import BINARY, wait_for
from ports import free_ports

KEY = "nt-key-of-the-budget-tests"
LIMIT = 20_000_000_000  # 0.02 dollars in pico-dollars
# gpt-4o-mini: 0.15 and 0.60 dollars for a million tokens.
INPUT, OUTPUT = 150_000, 600_000
USAGE = (12, 34)
CLIENTS = 64
# The SDKs let the errors of a stream's transport through, each those of its own.
TRANSPORT_ERRORS = tuple(
    module.HTTPError for name, module in list(sys.modules.items()) if name in ("httpx", "httpx2"))

MOCK = """
usage: { input: %d, output: %d }
rules:
  - match: { model: "*" }
    reply: { delay: 20ms, chunk_delay: 2ms, chunks: 8 }
""" % USAGE

CONFIGURATION = """
listen: {{ api: 127.0.0.1:{api}, admin: 127.0.0.1:{admin} }}
providers:
  main: {{ type: openai, base_url: "http://127.0.0.1:{mock}", api_key: {{ env: BUDGET_UPSTREAM }}, retry: false,
          circuit_breaker: false }}
keys:
  - {{ name: race, key: {{ env: BUDGET_KEY }}, budget: {{ limit: "0.02", per: total }} }}
store: {{ path: money.db }}
"""


class Race:
    """Clients that ask until they are refused, and a gateway that is killed whenever so many answers have come."""

    def __init__(self, folder):
        self.folder = folder
        self.api, self.admin, self.mock = free_ports(3)
        self.environment = os.environ | {"BUDGET_UPSTREAM": "u", "BUDGET_KEY": KEY}
        (folder / "mock.yaml").write_text(MOCK)
        (folder / "needletail.yaml").write_text(
            CONFIGURATION.format(api=self.api, admin=self.admin, mock=self.mock))
        self.lock = threading.Lock()
        self.answers = 0
        self.refusals = 0
        self.reached = threading.Condition(self.lock)

    def start(self, *command, url):
        with open(self.folder / "log", "a") as log:
            process = subprocess.Popen(
                [BINARY, *command], cwd=self.folder, env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        wait_for(url, process, self.folder / "log")
        return process

    def start_gateway(self):
        return self.start("serve", url=f"http://127.0.0.1:{self.api}/health")

    def note(self, is_answer):
        with self.lock:
            if is_answer:
                self.answers += 1
            else:
                self.refusals += 1
            self.reached.notify_all()

    def wait_for_answers(self, count):
        """Waits for so many more answers, or until everybody has been refused."""
        with self.lock:
            target = self.answers + count
            self.reached.wait_for(lambda: self.answers >= target or self.refusals >= CLIENTS)

    def client(self, number):
        base = f"http://127.0.0.1:{self.api}"
        talk = {"model": "main/gpt-4o-mini", "max_tokens": 40, "messages": [{"role": "user", "content": "Hello there"}]}
        open_ai = openai.OpenAI(base_url=base + "/v1", api_key=KEY, max_retries=0, timeout=60)
        claude = anthropic.Anthropic(base_url=base, api_key=KEY, max_retries=0, timeout=60)
        gone = (openai.APIConnectionError, anthropic.APIConnectionError, openai.InternalServerError,
                anthropic.InternalServerError, *TRANSPORT_ERRORS)
        for turn in range(10_000):
            try:
                if number % 2 == 0:
                    answer = open_ai.chat.completions.create(stream=turn % 2 == 0, **talk)
                    if turn % 2 == 0:
                        for index, _ in enumerate(answer):
                            # Some leave in the middle.
                            if number % 8 == 0 and index == 2:
                                answer.close()
                                break
                elif turn % 2 == 0:
                    with claude.messages.stream(**talk) as stream:
                        for _ in stream.text_stream:
                            pass
                else:
                    claude.messages.create(**talk)
                self.note(True)
            except gone:
                # The gateway was killed: it comes back.
                continue
            except (openai.APIError, anthropic.APIError) as error:
                status = getattr(error, "status_code", None)
                if status in (402, 429):
                    self.note(False)
                    return
                if status is None:
                    continue
                raise
        raise AssertionError("nobody was refused")

    def stats(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.mock}/__mock/stats", timeout=60) as reply:
            return json.load(reply)


def test_a_budget_survives_kills(tmp_path):
    race = Race(tmp_path)
    mock = race.start(
        "mock", "--port", str(race.mock), "--script", "mock.yaml",
        url=f"http://127.0.0.1:{race.mock}/__mock/stats")
    gateway = race.start_gateway()
    try:
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(race.client, number) for number in range(CLIENTS)]
            for _ in range(3):
                race.wait_for_answers(90)
                gateway.send_signal(signal.SIGKILL)
                gateway.wait()
                gateway = race.start_gateway()
            for each in clients:
                each.result()
        assert race.refusals == CLIENTS and race.answers > 100
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(60) == 0
        served = race.stats()
        truth = served["input_tokens"] * INPUT + served["output_tokens"] * OUTPUT
        with sqlite3.connect(tmp_path / "money.db") as database:
            spent, leased = database.execute(
                "SELECT sum(CAST(spent AS INTEGER)), sum(CAST(leased AS INTEGER)) FROM budget").fetchone()
            exact = database.execute(
                "SELECT input_tokens, output_tokens, cost_pico_usd FROM ledger WHERE accuracy = 'exact' AND outcome = 'finished'"
            ).fetchall()
            booked, = database.execute("SELECT sum(cost_pico_usd) FROM ledger").fetchone()
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        print(f"limit {LIMIT}, spent {spent}, leased {leased}, truth {truth}, {len(exact)} exact lines")
        # Never above the limit, and never below what was really served.
        assert spent + leased <= LIMIT
        assert spent + leased >= truth
        assert truth <= LIMIT
        # The ledger has what was booked, but for the lines that the kills took, which are leased.
        assert booked <= spent
        assert len(exact) > 20
        cost = USAGE[0] * INPUT + USAGE[1] * OUTPUT
        assert set(exact) == {(*USAGE, cost)}, "an exact line is what the mock served"
    finally:
        for process in (gateway, mock):
            process.kill()
            process.wait()
