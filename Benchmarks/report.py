#!/usr/bin/env python3
"""Tables out of runs.jsonl: medians over rounds, ratios to nginx and to a second peer.   report.py OUT/runs.jsonl [...] [--vs smg]"""
import json, sys, statistics as st
# What the project promises, as ratios to nginx in the same run: workload, key, bound.
BOUNDS = [("a16", "req", 1.7), ("a64", "req", 1.7), ("a256", "req", 1.7), ("b16", "req", 1.5), ("d500", "chunk", 1.4)]
files = [a for a in sys.argv[1:] if not a.startswith("--")]
vs = [a.split("=")[1] for a in sys.argv if a.startswith("--vs=")] or ["nginx", "smg", "litellm"]
R = {}
order = []
for f in files:
    for l in open(f):
        r = json.loads(l)
        if "rps" not in r: continue
        R.setdefault((r["workload"], r["peer"]), []).append(r)
        if r["peer"] not in order: order.append(r["peer"])
def pick(rs):  # the rounds least disturbed by other work on the machine, at least half of them
    ok = [r for r in rs if r.get("foreign", 0) < 0.15 * r["wall"] and r.get("steal", 0) < 0.3]
    return ok if len(ok) * 2 >= len(rs) else sorted(rs, key=lambda r: abs(r.get("foreign", 0)))[:max(1, (len(rs) + 1) // 2)]
def med(rs, f):
    v = [f(r) for r in rs]; v = [x for x in v if x is not None]
    return st.median(v) if v else None
def row(w, p):
    rs = pick(R[(w, p)])
    stream = any("chunk_us" in r for r in rs)
    d = dict(n=len(rs), rps=med(rs, lambda r: r["rps"]), err=sum(r["errors"] for r in rs), req=med(rs, lambda r: r["cpu_us_per_req"]), user=med(rs, lambda r: r["user_us_per_req"]),
             share=med(rs, lambda r: r["cpu_share"]), p50=med(rs, lambda r: r["lat_us"]["p50"]), p95=med(rs, lambda r: r["lat_us"]["p95"]), p99=med(rs, lambda r: r["lat_us"]["p99"]), p999=med(rs, lambda r: r["lat_us"]["p999"]),
             peak=med(rs, lambda r: r["peak_rss_kb"]), idle=med(rs, lambda r: r["idle_rss_kb"]), cold=med(rs, lambda r: r["cold_s"]), stream=stream)
    if stream:
        d.update(cps=med(rs, lambda r: r["cps"]), chunk=med(rs, lambda r: r["cpu_us_per_chunk"]), t50=med(rs, lambda r: r["ttft_us"]["p50"]), t99=med(rs, lambda r: r["ttft_us"]["p99"]),
                 c50=med(rs, lambda r: r["chunk_us"]["p50"]), c99=med(rs, lambda r: r["chunk_us"]["p99"]), c999=med(rs, lambda r: r["chunk_us"]["p999"]))
    return d
def f(x, k=1): return "-" if x is None else (f"{x:,.0f}" if abs(x) >= 100 else f"{x:.{k}f}")
def ratio(a, b): return "-" if not a or not b else (f"1/{b / a:,.0f}" if a / b < 0.1 else f"{a / b:.2f}" if a / b < 10 else f"{a / b:,.0f}")
for w in dict.fromkeys(k[0] for k in R):
    ps = [p for p in order if (w, p) in R]
    rows = {p: row(w, p) for p in ps}
    stream = any(r["stream"] for r in rows.values())
    cols = ["gateway", "RPS", "CPU µs/req", "(user)"] + (["chunks/s", "CPU µs/chunk", "TTFT p50/p99 ms", "added per chunk p50/p99/p99.9 ms"] if stream else ["p50/p95/p99/p99.9 ms"]) + ["core used", "peak RSS MB", "errors"] + [f"CPU vs {v}" for v in vs]
    print(f"\n### {w}\n\n| " + " | ".join(cols) + " |\n|" + "---|" * len(cols))
    key = "chunk" if stream else "req"
    for p, r in rows.items():
        c = [p, f(r["rps"], 0), f(r["req"]), f(r["user"])]
        if stream: c += [f(r["cps"], 0), f(r["chunk"], 2), f"{r['t50']/1000:.2f} / {r['t99']/1000:.1f}", f"{r['c50']/1000:.3f} / {r['c99']/1000:.2f} / {r['c999']/1000:.1f}"]
        else: c += [f"{r['p50']/1000:.2f} / {r['p95']/1000:.2f} / {r['p99']/1000:.2f} / {r['p999']/1000:.2f}"]
        c += [f"{r['share']:.2f}", f"{r['peak']/1024:.0f}", str(r["err"])]
        for v in vs: c.append(ratio(r[key], rows[v][key]) if v in rows and p != "direct" else "-")
        print("| " + " | ".join(c) + " |")
print("\n### start and memory\n\n| gateway | cold start to first 200, s | idle RSS MB | RSS with 5,000 open streams MB | KB per stream |\n|---|---|---|---|---|")
for p in order:
    ks = [k for k in R if k[1] == p]
    if p == "direct" or not ks: continue
    allr = [r for k in ks for r in R[k]]
    idle = st.median(r["idle_rss_kb"] for r in allr); cold = st.median(r["cold_s"] for r in allr)
    e = R.get(("e5000", p)) ; n = 5000
    if not e: e = R.get(("e1000", p)); n = 1000
    pk = st.median(r["peak_rss_kb"] for r in e) if e else None
    print(f"| {p} | {cold:.3f} | {idle/1024:.1f} | " + (f"{pk/1024:.0f}{'' if n == 5000 else ' (1,000 streams)'} | {(pk - idle)/n:.1f} |" if e else "- | - |"))

if "--bounds" in sys.argv:
    ours, ruler, bad = "needletail", "nginx", []
    def say(what, value, bound, unit=""):
        ok = value is not None and value <= bound
        if not ok: bad.append(what)
        print(f"| {what} | {'-' if value is None else f'{value:.2f}'}{unit} | {bound}{unit} | {'yes' if ok else 'NO'} |")
    print("\n### bounds\n\n| what | measured | at most | held |\n|---|---|---|---|")
    have = lambda w, p: (w, p) in R
    for w, key, bound in BOUNDS:
        if have(w, ours) and have(w, ruler): say(f"{w}: CPU per {'request' if key == 'req' else 'chunk'} against nginx", row(w, ours)[key] / row(w, ruler)[key], bound)
    if have("d500", ours): say("d500: added latency per chunk, p99", row("d500", ours)["c99"] / 1000, 0.5, " ms")
    if have("f16", ours) and have("a16", ours): say("f16: translation against own passthrough, CPU per request", row("f16", ours)["req"] / row("a16", ours)["req"], 3.0)
    if have("e5000", ours):
        e = row("e5000", ours); say("e5000: resident per open stream", (e["peak"] - e["idle"]) / 5000, 20, " KB")
    mine = [r for k in R if k[1] == ours for r in R[k]]
    if mine:
        say("idle memory", st.median(r["idle_rss_kb"] for r in mine) / 1024, 25, " MB")
        say("start to first answer", st.median(r["cold_s"] for r in mine) * 1000, 100, " ms")
    sys.exit(1 if bad else 0)
