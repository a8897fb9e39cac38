import { card, count, h, milliseconds, percent, table, tag, time, toast } from "/dashboard/dom.js";
import { get, list, send } from "/dashboard/api.js";
import { heatmap } from "/dashboard/heatmap.js";

export async function providers(it) {
  const may = (permission) => window.caller.permissions.includes(permission);
  const opened = new Set();
  async function act(text, method, path, body) {
    try { await send(method, path, body); toast(text); } catch (error) { toast(error.message, true); }
    await refresh();
  }
  async function refresh() {
    const [rows, breakers, health, latency] = await Promise.all([list("/providers", it), list("/breakers", it),
      get("/health/providers", it).catch(() => ({})), get("/latency", it)]);
    const heat = Object.fromEntries(latency.providers.map((each) => [each.name, each.counts]));
    const states = health.providers ?? health;
    const breaker = Object.fromEntries(breakers.map((each) => [each.name, each]));
    it.show(h("h1", {}, "Providers"), h("div", { class: "grid broad" }, rows.length ? rows.map((row) => one(row, states[row.name]?.circuit_state, breaker, heatmap(row.name, heat[row.name] ?? [], { bounds: latency.bounds_ms, step: latency.step_seconds, open: opened })))
      : h("p", { class: "notice" }, "No provider is configured. Set a key such as OPENAI_API_KEY, or write one under providers: in needletail.yaml.")));
  }
  const one = (row, circuit, breaker, map) => {
    const path = `/providers/${encodeURIComponent(row.name)}`;
    const healthy = row.check?.healthy;
    return card(null, h("h2", {}, row.name, " ", tag(row.state, row.state === "active" ? "good" : "warn"), " ",
      circuit && circuit !== "closed" && [tag(`circuit ${circuit.replace("_", " ")}`, circuit === "open" ? "bad" : "warn"), " "],
      row.check && tag(healthy === null ? "not checked yet" : healthy ? "healthy" : "failing", healthy === false ? "bad" : healthy ? "good" : "")),
      h("p", { class: "muted" }, [row.type, row.base_url].filter(Boolean).join(" at ")),
      healthy === false && h("p", { class: "notice bad" }, row.check.last_error, row.check.last_success ? ` Last well at ${time(Date.parse(row.check.last_success) / 1000)}.` : ""),
      table([
        ["Model", (one) => one.model ?? "as asked"], ["Running", (one) => count(one.in_flight), true],
        ["Health", (one) => tag(percent(one.health), one.health >= 0.9 ? "good" : one.health >= 0.7 ? "warn" : "bad")],
        ["Errors", (one) => percent(one.error_rate), true], ["Latency", (one) => milliseconds(one.latency_ms), true],
        ["Headroom", (one) => percent(one.headroom), true],
        ["Breaker", (one) => {
          const name = one.model ? `${row.name}/${one.model}` : row.name, state = breaker[name]?.state ?? "closed";
          return [tag(state.replaceAll("_", " "), state === "closed" ? "good" : state.includes("open") && !state.includes("half") ? "bad" : "warn"),
            state !== "closed" && may("operate") && [" ", h("button", { onclick: () => act(`The circuit breaker of ${name} is reset.`, "POST", `/breakers/${encodeURIComponent(name)}/reset`) }, "Reset")]];
        }],
      ], row.deployments ?? [], { caption: `Deployments of ${row.name}`, empty: "No calls yet." }),
      map,
      may("operate") && h("div", { class: "row" }, row.state === "active"
        ? [h("button", { onclick: () => act(`${row.name} drains.`, "POST", path + "/drain", {}) }, "Drain"),
          h("button", { class: "danger", onclick: () => act(`${row.name} is disabled.`, "POST", path + "/disable") }, "Disable")]
        : h("button", { class: "main", onclick: () => act(`${row.name} is enabled.`, "POST", path + "/enable") }, "Enable")));
  };
  await it.every(2, refresh);
}
