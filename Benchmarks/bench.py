#!/usr/bin/env python3
"""Runs gateways side by side on the same work. See README.md.

  bench.py [--peers a,b] [--workloads a64,c,...] [--rounds 2] [--seconds 4] [--out DIR]

Each gateway is described by peers/NAME.sh. Gateways alternate: every round starts each of them once, afresh.
The gateway is pinned to core 0 (CORES in its file says otherwise), mock upstream and load generator to core 1.
"""
import argparse, json, os, signal, socket, subprocess, sys, threading, time, statistics, pathlib

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("BENCH_BIN", HERE.parent / ".build" / "bench")).resolve()
HZ = os.sysconf("SC_CLK_TCK")
MOCK_PORT = int(os.environ.get("MOCK_PORT", "9900"))

# name -> (mock settings, body file, load generator arguments, extra)
W = {
    "a1":   ("body=1024&lat=0", "chat-1k.json", ["--conns", "1"]),
    "a16":  ("body=1024&lat=0", "chat-1k.json", ["--conns", "16"]),
    "a64":  ("body=1024&lat=0", "chat-1k.json", ["--conns", "64"]),
    "a256": ("body=1024&lat=0", "chat-1k.json", ["--conns", "256"]),
    "o100":  ("body=1024&lat=0", "chat-1k.json", ["--conns", "256", "--rate", "100"]),
    "o2000": ("body=1024&lat=0", "chat-1k.json", ["--conns", "256", "--rate", "2000"]),
    "o5000": ("body=1024&lat=0", "chat-1k.json", ["--conns", "256", "--rate", "5000"]),
    "l256": ("body=1024&lat=50000", "chat-1k.json", ["--conns", "256"]),   # 50 ms upstream: concurrency, not saturation
    "b16":  ("body=512&lat=0", "chat-100k.json", ["--conns", "16"]),
    "c32":  ("chunks=200&delay=0&lat=0", "stream-1k.json", ["--conns", "32", "--stream", "--expect-chunks", "200"]),
    "d20":  ("chunks=100&delay=10000&lat=0&rt=1&tick=200", "stream-1k.json", ["--conns", "20", "--ramp", "0.9", "--stream", "--expect-chunks", "100"]),
    "d500": ("chunks=100&delay=10000&lat=0&rt=1&tick=200", "stream-1k.json", ["--conns", "500", "--ramp", "0.9", "--stream", "--expect-chunks", "100"]),
    "e1000": ("chunks=12&delay=1000000&lat=0", "stream-1k.json", ["--conns", "1000", "--ramp", "3", "--stream", "--warmup", "3"]),
    "e5000": ("chunks=12&delay=1000000&lat=0", "stream-1k.json", ["--conns", "5000", "--ramp", "4", "--stream", "--warmup", "4"]),
    "f16":  ("body=1024&lat=0", "chat-1k.json", ["--conns", "16"]),
    "fs32": ("chunks=200&delay=0&lat=0", "stream-1k.json", ["--conns", "32", "--stream", "--expect-chunks", "200"]),
    "fd20": ("chunks=100&delay=10000&lat=0&rt=1&tick=200", "stream-1k.json", ["--conns", "20", "--ramp", "0.9", "--stream", "--expect-chunks", "100"]),
}
DEFAULT = "a1,a16,a64,a256,o2000,b16,c32,d500,e5000"


def peer(name):
    f = HERE / "peers" / f"{name}.sh"
    keys = ["START", "URL_PATH", "HEADERS", "MODEL", "CORES", "READY_TIMEOUT", "SKIP", "ONLY", "PORT", "MODEL_TRANSLATE", "DIRECT", "SETTLE", "USAGE_PORT"]
    script = f'set -a; BENCH="{HERE}"; BIN="{BIN}"; UPSTREAM_PORT={MOCK_PORT}; . "{f}"; for k in {" ".join(keys)}; do printf "%s\\0%s\\0" "$k" "${{!k}}"; done'
    out = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout.decode().split("\0")
    d = dict(zip(out[0::2], out[1::2]))
    d["name"] = name
    d["CORES"] = d["CORES"] or "0"
    d["URL_PATH"] = d["URL_PATH"] or "/v1/chat/completions"
    d["HEADERS"] = [h for h in d["HEADERS"].split("\n") if h.strip()]
    d["PORT"] = int(d["PORT"] or MOCK_PORT)
    return d


def http(port, method, path, headers=(), body=b"", timeout=5.0):
    s = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    try:
        h = "".join(x + "\r\n" for x in headers)
        s.sendall(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{h}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        out = b""
        while True:
            b = s.recv(65536)
            if not b: break
            out += b
            if b"\r\n\r\n" in out:
                head, rest = out.split(b"\r\n\r\n", 1)
                if rest.endswith(b"\r\n0\r\n\r\n"): return out
                for l in head.split(b"\r\n"):
                    if l.lower().startswith(b"content-length:") and len(rest) >= int(l.split(b":")[1]): return out
        return out
    finally:
        s.close()


def ctl(q): http(MOCK_PORT, "GET", "/_ctl?" + q)
def mock_stats(): return json.loads(http(MOCK_PORT, "GET", "/_stats").split(b"\r\n\r\n", 1)[1])


def tree(root):
    kids = {}
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                with open(f"/proc/{p}/stat") as f: s = f.read()
                kids.setdefault(int(s.rsplit(")", 1)[1].split()[1]), []).append(int(p))
            except OSError: pass
    out, todo = [], [root]
    while todo:
        x = todo.pop(); out.append(x); todo += kids.get(x, [])
    return out


def cpu(pids):
    """(user, system) seconds; the kernel's utime+stime are scaled from its exact run time"""
    u = s = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/stat") as f: x = f.read().rsplit(")", 1)[1].split()
            u += int(x[11]); s += int(x[12])
        except OSError: pass
    return u / HZ, s / HZ


def mem(pids):
    rss = pss = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                for l in f:
                    if l.startswith("Rss:"): rss += int(l.split()[1])
                    elif l.startswith("Pss:"): pss += int(l.split()[1])
        except OSError: pass
    return rss, pss


def rss_fast(pids):
    r = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/statm") as f: r += int(f.read().split()[1]) * 4
        except OSError: pass
    return r


def busy():
    with open("/proc/stat") as f: x = [int(v) for v in f.readline().split()[1:9]]
    return (sum(x) - x[3] - x[4] - x[7]) / HZ
def everyone():
    out = {}
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                with open(f"/proc/{p}/stat") as f: s = f.read()
                x = s.rsplit(")", 1)[1].split()
                out[int(p)] = ((int(x[11]) + int(x[12]) + int(x[13]) + int(x[14])) / HZ, s[s.index("(") + 1:s.rindex(")")])
            except OSError: pass
    return out
def steal():
    with open("/proc/stat") as f: x = f.readline().split()
    return int(x[8]) / HZ


class Mock:
    def __enter__(self):
        self.p = subprocess.Popen(["taskset", "-c", "1", str(BIN / "mock"), str(MOCK_PORT)])
        for _ in range(200):
            try: ctl("body=1024&lat=0"); return self
            except OSError: time.sleep(0.01)
        raise SystemExit("mock did not start")
    def __exit__(self, *a): self.p.kill(); self.p.wait()


def body_for(p, f, translate=False):
    d = json.loads((HERE / "bodies" / f).read_text())
    d["model"] = (p["MODEL_TRANSLATE"] if translate else p["MODEL"]) or "bench"
    out = BIN / "tmp" / f"{p['name']}-{'t-' if translate else ''}{f}"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(d))
    return out


class Gateway:
    def __init__(self, p): self.p = p
    def __enter__(self):
        p = self.p
        self.proc = None
        if p["DIRECT"]:
            self.cold = 0.0; self.idle = (0, 0); return self
        body = body_for(p, "chat-1k.json").read_bytes()
        with socket.socket() as probe:  # one left over from an interrupted run would share the port or take it
            if probe.connect_ex(("127.0.0.1", p["PORT"])) == 0: raise RuntimeError(f"{p['name']}: port {p['PORT']} is already in use")
        self.log = open(BIN / "tmp" / f"{p['name']}.log", "wb")
        t0 = time.monotonic()
        env = dict(os.environ, BENCH=str(HERE), BIN=str(BIN), UPSTREAM_PORT=str(MOCK_PORT))
        self.proc = subprocess.Popen(["taskset", "-c", p["CORES"], "bash", "-c", p["START"]], stdout=self.log, stderr=subprocess.STDOUT, preexec_fn=os.setpgrp, env=env)
        limit = float(p["READY_TIMEOUT"] or 20)
        while True:
            try:
                r = http(p["PORT"], "POST", p["URL_PATH"], p["HEADERS"] + ["Content-Type: application/json"], body)
                if b" 200 " in r.split(b"\r\n", 1)[0]: break
                last = r[:300]
            except OSError as e: last = str(e)
            if time.monotonic() - t0 > limit: self.__exit__(); raise RuntimeError(f"{p['name']} not ready: {last}")
            if self.proc.poll() is not None: raise RuntimeError(f"{p['name']} ended: see its log")
            time.sleep(0.001 if time.monotonic() - t0 < 2 else 0.02)
        self.cold = time.monotonic() - t0
        time.sleep(float(p["SETTLE"] or 1.0))
        self.idle = mem(tree(self.proc.pid))
        return self
    def pids(self): return tree(self.proc.pid) if self.proc else []
    def __exit__(self, *a):
        if not self.proc: return
        g = os.getpgid(self.proc.pid) if self.proc.poll() is None else self.proc.pid
        for sig, wait in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
            try: os.killpg(g, sig)
            except OSError: break
            end = time.monotonic() + wait
            while time.monotonic() < end:
                self.proc.poll()
                try: os.killpg(g, 0)
                except OSError: break
                time.sleep(0.05)
        try: self.proc.wait(3)
        except Exception: pass
        self.log.close()


def usage_check(gw):
    """After the runs: the gateway's own token counts against what the mock says it served. None where a gateway tells none."""
    p = gw.p
    if not p["USAGE_PORT"]: return None
    def ours():
        d = json.loads(http(int(p["USAGE_PORT"]), "GET", "/health/metrics").split(b"\r\n\r\n", 1)[1])
        return d["requests"], d["input_tokens"], d["output_tokens"]
    def theirs():
        t = mock_stats()["total"]; return t["completed"], t["input_tokens"], t["output_tokens"]
    time.sleep(0.5)  # what was in flight when the last load ended
    ctl("body=1024&lat=0&chunks=20&delay=0&pad=0&rt=0")
    a, b = ours(), theirs()
    for f, n, args in (("chat-1k.json", 5000, []), ("stream-1k.json", 500, ["--stream", "--expect-chunks", "20"])):
        for translate in ([False, True] if p["MODEL_TRANSLATE"] else [False]):
            cmd = ["taskset", "-c", "1", str(BIN / "llmload"), "--port", str(p["PORT"]), "--path", p["URL_PATH"], "--body", str(body_for(p, f, translate)),
                   "--conns", "32", "--requests", str(n), "--duration", "60", "--warmup", "0"] + args
            for h in p["HEADERS"]: cmd += ["-H", h]
            subprocess.run(cmd, capture_output=True, timeout=90)
    time.sleep(0.2)
    c, d = ours(), theirs()
    return {"gateway": [y - x for x, y in zip(a, c)], "mock": [y - x for x, y in zip(b, d)]}


def run(gw, mock, wname, seconds):
    p = gw.p
    settings, bf, args = W[wname]
    translate = wname.startswith("f")
    ctl("body=1024&lat=0&chunks=200&delay=0&pad=0&rt=0")
    ctl(settings)
    body = body_for(p, bf, translate)
    cmd = ["taskset", "-c", "1", str(BIN / "llmload"), "--port", str(p["PORT"]), "--path", p["URL_PATH"], "--body", str(body), "--duration", str(seconds), "--timeout", "30"]
    if "--warmup" not in args: cmd += ["--warmup", "1"]
    for h in p["HEADERS"]: cmd += ["-H", h]
    pids = gw.pids()
    e0 = everyone()
    c0, m0, s0, b0, own0 = cpu(pids), cpu([mock.p.pid]), steal(), busy(), time.process_time()
    peak, stop, series = [0], [False], []
    def sample():
        while not stop[0]:
            r = rss_fast(pids); peak[0] = max(peak[0], r); series.append(r); time.sleep(0.2)
    th = threading.Thread(target=sample); th.start()
    t0 = time.monotonic()
    r = subprocess.run(cmd + args, capture_output=True, timeout=seconds + 90)
    wall = time.monotonic() - t0
    if p["DIRECT"]: pids = []
    c1, m1, b1, own1 = cpu(pids), cpu([mock.p.pid]), busy(), time.process_time()
    stop[0] = True; th.join()
    try: out = json.loads(r.stdout)
    except Exception: out = {"error": (r.stdout + r.stderr)[-400:].decode("replace")}
    st = mock_stats()
    own = set(pids) | {mock.p.pid, os.getpid()}
    culprits = sorted(((round(v[0] - e0.get(k, (0,))[0], 2), v[1]) for k, v in everyone().items() if k not in own), reverse=True)[:3]
    foreign = (b1 - b0) - (sum(c1) - sum(c0)) - (sum(m1) - sum(m0)) - out.get('loadgen_cpu', 0) - (own1 - own0)
    n = st["requests"]; ch = st["chunks"]
    u, s = c1[0] - c0[0], c1[1] - c0[1]
    out.update(peer=p["name"], workload=wname, upstream_requests=n, upstream_chunks=ch, accepts=st["accepts"], cpu_user=round(u, 3), cpu_sys=round(s, 3),
               cpu_share=round((u + s) / wall, 3), cpu_us_per_req=round((u + s) * 1e6 / n, 2) if n else None,
               user_us_per_req=round(u * 1e6 / n, 2) if n else None,
               cpu_us_per_chunk=round((u + s) * 1e6 / ch, 3) if ch else None,
               mock_cpu=round(sum(m1) - sum(m0), 3), peak_rss_kb=peak[0], idle_rss_kb=gw.idle[0], idle_pss_kb=gw.idle[1], cold_s=round(gw.cold, 4),
               foreign=round(foreign, 2), culprits=[c for c in culprits if c[0] > 0.1], steal=round(steal() - s0, 2), wall=round(wall, 2), cores=p["CORES"])
    return out


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--peers", default="direct,nginx,haproxy")
    a.add_argument("--workloads", default=DEFAULT)
    a.add_argument("--rounds", type=int, default=2)
    a.add_argument("--seconds", type=float, default=4)
    a.add_argument("--out", default=str(BIN / "out"))
    o = a.parse_args()
    os.makedirs(o.out, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    os.sched_setaffinity(0, {1})
    # Whatever else this machine does must not show in the figures (see "foreign"): a session of our own is a scheduling
    # group of its own, and that group goes first.
    try:
        if os.getsid(0) != os.getpid():
            if os.fork(): os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
            os.setsid()
        os.nice(-20)
        pathlib.Path("/proc/self/autogroup").write_text("-20")
    except OSError as e: print("no priority:", e)
    failed = False
    f = open(os.path.join(o.out, "runs.jsonl"), "a")
    for rnd in range(o.rounds):
        for name in o.peers.split(","):
            p = peer(name)
            with Mock() as m:
                try:
                    with Gateway(p) as gw:
                        for w in sorted(o.workloads.split(","), key=lambda w: (w.startswith("d") or w.startswith("c"), w.startswith("e"))):  # streams cut off at the end of a run go on inside a slow gateway: last
                            if p["ONLY"] and w not in p["ONLY"].split(","): continue
                            if w in p["SKIP"].split(","): continue
                            if w.startswith("f") and not p["MODEL_TRANSLATE"]: continue
                            try: r = run(gw, m, w, o.seconds)
                            except subprocess.TimeoutExpired: r = {"peer": name, "workload": w, "error": "timeout"}
                            r["round"] = rnd
                            f.write(json.dumps(r) + "\n"); f.flush()
                            if "rps" in r:
                                lat = r["lat_us"]; c = r.get("chunk_us", {})
                                print(f"{name:14} {w:6} rps {r['rps']:9.1f} err {r['errors']:5} cpu/req {r['cpu_us_per_req']} (user {r['user_us_per_req']}) share {r['cpu_share']:.2f} mock {r['mock_cpu']/r['wall']:.2f} "
                                      f"p50 {lat['p50']:.0f} p99 {lat['p99']:.0f} p999 {lat['p999']:.0f} " + (f"cpu/chunk {r['cpu_us_per_chunk']} cps {r['cps']:.0f} ttft50 {r['ttft_us']['p50']:.0f} chunk50 {c['p50']:.0f} p99 {c['p99']:.0f} (lag p99 {r['lag_us']['p99']:.0f}) " if c else "") +
                                      f"rss {r['peak_rss_kb']//1024}M idle {r['idle_rss_kb']//1024}M cold {r['cold_s']:.3f} steal {r['steal']} foreign {r['foreign']} {r['culprits'] if r['foreign'] > 0.3 else ''}", flush=True)
                            else: print(name, w, r.get("error"), flush=True)
                        check = usage_check(gw)
                        if check is not None:
                            same = check["gateway"] == check["mock"]
                            print(f"{name:14} usage: requests, input and output tokens {check['gateway']} by the gateway, {check['mock']} by the mock: {'equal' if same else 'NOT EQUAL'}", flush=True)
                            f.write(json.dumps({"peer": name, "round": rnd, "usage": check, "equal": same}) + "\n"); f.flush()
                            if not same: failed = True
                except RuntimeError as e:
                    print("SKIPPED", e, flush=True)
    f.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__": main()
