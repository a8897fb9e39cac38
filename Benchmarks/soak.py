#!/usr/bin/env python3
"""Mixed load for a while: whole replies, streams, broken clients. Memory must stop growing.

  soak.py [--seconds 300]     an hour: --seconds 3600

Samples resident memory once a second. The second half's growth, by a line fitted through the minima of ten-second windows, must be
under 2 % of the level (or 2 MB), else the exit code is 1. Nothing may fail but what the script itself breaks off.
"""
import argparse, json, subprocess, sys, time
import bench


def slope(points):
    n = len(points)
    mx = sum(x for x, _ in points) / n
    my = sum(y for _, y in points) / n
    d = sum((x - mx) ** 2 for x, _ in points)
    return sum((x - mx) * (y - my) for x, y in points) / d if d else 0.0


def load(p, body, *args):
    cmd = ["taskset", "-c", "1", str(bench.BIN / "llmload"), "--port", str(p["PORT"]), "--path", p["URL_PATH"], "--body", str(body)]
    for h in p["HEADERS"]:
        cmd += ["-H", h]
    return subprocess.Popen(cmd + list(args), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seconds", type=int, default=300)
    o = a.parse_args()
    p = bench.peer("needletail")
    with bench.Mock(), bench.Gateway(p) as gw:
        bench.ctl("body=1024&lat=2000&chunks=40&delay=5000")
        whole, stream = bench.body_for(p, "chat-1k.json"), bench.body_for(p, "stream-1k.json")
        large = bench.body_for(p, "chat-100k.json")
        samples, failures, begin = [], 0, time.monotonic()
        rounds = 0
        while time.monotonic() - begin < o.seconds:
            rounds += 1
            span = str(min(15, max(3, o.seconds // 10)))
            jobs = [
                load(p, whole, "--conns", "64", "--rate", "1500", "--duration", span, "--warmup", "0"),
                load(p, stream, "--conns", "100", "--stream", "--duration", span, "--warmup", "0", "--ramp", "1"),
                load(p, large, "--conns", "8", "--rate", "100", "--duration", span, "--warmup", "0"),
                # Streams that the client leaves half-way: it stops after three seconds, whatever is open.
                load(p, stream, "--conns", "50", "--stream", "--duration", "3", "--warmup", "0"),
            ]
            while any(j.poll() is None for j in jobs):
                samples.append((time.monotonic() - begin, bench.rss_fast(gw.pids())))
                time.sleep(1)
            for j in jobs:
                out = json.loads(j.stdout.read() or b"{}")
                failures += out.get("errors", 0)
        half = [s for s in samples if s[0] > o.seconds / 2]
        windows = {}
        for t, kb in half:
            windows.setdefault(int(t // 10), []).append(kb)
        points = [(k * 10, min(v)) for k, v in windows.items()]
        level = sum(y for _, y in points) / max(1, len(points))
        grown = slope(points) * (o.seconds / 2) if len(points) > 2 else 0.0
        limit = max(2048.0, level * 0.02)
        alive = gw.proc.poll() is None
        print(f"soak: {o.seconds} s, {rounds} rounds, {failures} failures, resident {samples[0][1] / 1024:.1f} MB at first, "
              f"{level / 1024:.1f} MB in the second half, growing by {grown / 1024:.2f} MB over it (allowed {limit / 1024:.1f})")
        sys.exit(0 if alive and grown <= limit and failures == 0 else 1)


if __name__ == "__main__":
    main()
