import { card, count, h, percent, table, tag, wide } from "/dashboard/dom.js";
import { get } from "/dashboard/api.js";

const kinds = { critical: "bad", warning: "warn", info: "", resolved: "good" };
const when = (text) => new Date(text).toLocaleString();
const span = (seconds) => seconds >= 172800 ? `${+(seconds / 86400).toFixed(1)} d` : seconds >= 7200 ? `${+(seconds / 3600).toFixed(1)} h`
  : seconds >= 120 ? `${+(seconds / 60).toFixed(1)} min` : `${+seconds.toFixed(1)} s`;
const value = (metric, number) => number === null ? "–" : /^(latency|ttft|key_age)/.test(metric) ? span(number)
  : metric === "breaker_open" ? (number ? "open" : "closed") : metric === "burn_rate" ? `${number.toFixed(1)} ×` : percent(number);
const rate = (number) => number === null ? "–" : `${number.toFixed(1)} ×`;

/// What is wrong now, as a notice; nothing where all is well.
export const banner = (alerts) => {
  const firing = (alerts?.data ?? []).filter((one) => one.state === "firing" && one.severity !== "info");
  return firing.length > 0 && h("p", { class: "notice bad", role: "status" }, firing.slice(0, 3).map((one) => [tag(one.severity, kinds[one.severity]), ` ${one.alert}: ${one.subject} `]),
    h("a", { href: "#/alerts" }, firing.length > 3 ? `and ${firing.length - 3} more` : "See alerts"));
};

export async function alerts(it) {
  await it.every(2, async () => {
    const [status, promised] = await Promise.all([get("/alerts", it), get("/objectives", it)]);
    const promises = promised.data.flatMap((one) => one.promises.map((part) => ({ ...part, objective: one })));
    it.show(h("h1", {}, "Alerts and objectives"), h("div", { class: "grid" },
      wide("Now", table([
        ["Severity", (row) => tag(row.severity, kinds[row.severity])], ["Alert", (row) => row.alert], ["About", (row) => row.subject, "wrap"],
        ["State", (row) => row.state], ["Value", (row) => value(row.metric, row.value), true], ["Limit", (row) => value(row.metric, row.threshold), true], ["Since", (row) => when(row.since)],
      ], status.data, { caption: "Alerts that are on", empty: "Nothing is wrong." })),
      promises.length > 0 && wide("Objectives", table([
        ["Objective", (row) => row.objective.name], ["Promise", (row) => row.promise === "availability" ? "availability" : `first token within ${span(row.objective.ttft_p95_seconds)}`],
        ["Target", (row) => `${+(row.target * 100).toFixed(3)} %`, true], ["Actual", (row) => row.actual === null ? "–" : `${+(row.actual * 100).toFixed(3)} %`, true],
        ["Requests", (row) => count(row.requests), true], ["Bad", (row) => count(row.bad), true],
        ["Error budget left", (row) => tag(percent(row.error_budget_left), row.error_budget_left > 0.25 ? "good" : row.error_budget_left > 0 ? "warn" : "bad")],
        ...[0, 1, 2].map((index) => [promises[0].objective.promises[0].burn_rates[index] ? `Burn, ${span(promises[0].burn_rates[index].window_seconds)}` : "Burn", (row) => rate(row.burn_rates[index].burn_rate), true]),
      ], promises, { caption: "Objectives" }), h("p", { class: "muted" }, `Counted since ${when(promised.counting_since)}.`)),
      wide("Of late", table([
        ["At", (row) => when(row.at)], ["", (row) => tag(row.status, kinds[row.status])], ["Alert", (row) => row.alert], ["What", (row) => row.message, "wrap"],
      ], status.recent, { caption: "What happened of late", empty: "Nothing since the start." })),
      wide("Rules", table([
        ["Rule", (row) => row.name], ["Severity", (row) => row.severity], ["Of", (row) => row.scope], ["Limit", (row) => value(row.metric, row.threshold), true], ["For", (row) => span(row.for_seconds), true],
      ], status.rules, { caption: "Rules", empty: "Alerts are switched off." })),
      card("Webhooks", table([
        ["Name", (row) => row.name], ["Form", (row) => row.format], ["Sent", (row) => count(row.sent), true], ["Failed tries", (row) => count(row.failed_tries), true], ["Given up", (row) => count(row.dropped), true],
      ], status.webhooks, { caption: "Webhooks", empty: "None is configured: alerts are in the log, and here." }))));
  });
}
