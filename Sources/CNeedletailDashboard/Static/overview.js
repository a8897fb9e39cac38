import { card, count, dollars, h, milliseconds, percent, put, table, tag, tile } from "/dashboard/dom.js";
import { get } from "/dashboard/api.js";
import { banner } from "/dashboard/alerts.js";
import { lines } from "/dashboard/chart.js";

export async function overview(it) {
  let minutes = 15;
  const choose = h("select", { "aria-label": "Time shown", onchange: () => { minutes = Number(choose.value); refresh(); } },
    [5, 15, 30, 60].map((value) => h("option", { value: String(value), selected: value === minutes }, `last ${value} minutes`)));

  // Built once: a list that is open stays so.
  const status = h("span", {}), place = h("div", {});
  async function refresh() {
    const [data, health, alerts] = await Promise.all([
      get(`/overview?minutes=${minutes}`, it),
      get("/health/detailed", it).catch(() => null),
      get("/alerts", it).catch(() => null),
    ]);
    const { series, last_five_minutes: recent, step_seconds: step } = data;
    const perSecond = (values) => values.map((value) => value / step);
    const served = recent.requests - recent.refusals - recent.abandoned;
    if (!place.isConnected) it.show(h("h1", {}, "Overview"), h("div", { class: "row" }, choose, status), place);
    put(status, health && state(health));
    put(place, banner(alerts),
      h("div", { class: "tiles" },
        tile(count(recent.requests), "requests in 5 minutes"),
        tile(served > 0 ? percent((served - recent.failures) / served) : "–", "answered well"),
        tile(milliseconds(recent.p50_ms), "median"), tile(milliseconds(recent.p95_ms), "95th percentile"),
        tile(milliseconds(recent.first_token_p95_ms), "first token, 95th"),
        tile(count(recent.input_tokens), "tokens in"), tile(count(recent.output_tokens), "tokens out"),
        tile(dollars(recent.cost_usd), "spent in 5 minutes")),
      h("div", { class: "grid" },
        card("Requests a second", lines("Requests a second", [
          { name: "requests", values: perSecond(series.requests) }, { name: "failures", values: perSecond(series.failures) },
          { name: "refused", values: perSecond(series.refusals) }], { step, format: count })),
        card("Latency", lines("Latency", [{ name: "median", values: series.p50_ms }, { name: "95th percentile", values: series.p95_ms }], { step, format: milliseconds })),
        card("Time to first token", lines("Time to first token", [
          { name: "median", values: series.first_token_p50_ms }, { name: "95th percentile", values: series.first_token_p95_ms }], { step, format: milliseconds })),
        card("Tokens a second", lines("Tokens a second", [
          { name: "in", values: perSecond(series.input_tokens) }, { name: "out", values: perSecond(series.output_tokens) }], { step, format: count })),
        card("Dollars a minute", lines("Dollars a minute", [{ name: "cost", values: series.cost_usd.map((value) => value * 60 / step) }], { step, format: (value) => "$" + value.toPrecision(2) })),
        ...["models", "providers", "keys"].map((kind) => card(`By ${kind.slice(0, -1)}, last ${data.requests_kept} requests`, shares(data[kind], kind)))));
  }
  // What ends now is seen within two seconds, the time for asking included.
  await it.every(1, refresh);
}

const state = (health) => tag(health.status, health.status === "healthy" ? "good" : health.status === "degraded" ? "warn" : "bad");

const shares = (rows, kind) => table([
  ["Name", (row) => row.name, "name"], ["Requests", (row) => count(row.requests), true],
  ["Failed", (row) => percent(row.failures / row.requests), true], ["95th", (row) => milliseconds(row.p95_ms), true],
  ["Tokens", (row) => count(row.input_tokens + row.output_tokens), true], ["Cost", (row) => dollars(row.cost_usd), true],
], rows, { caption: `Requests by ${kind}` });
