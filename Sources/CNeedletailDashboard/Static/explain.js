// What the router would do with a request: rules, candidates, why each is kept or dropped, scores, order.
import { count, dollars, facts, h, percent, table, tag } from "/dashboard/dom.js";

const words = (text) => String(text).replaceAll("_", " ").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
const seconds = (value) => value === null || value === undefined ? "" : `, again in ${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
const known = (value) => value !== null && value !== undefined;

export function decision(plan) {
  return [outcome(plan), facts([
    ["Asked for", `${plan.model || "–"} (${words(plan.operation)}${plan.streaming ? ", streamed" : ""})`],
    ["Needs", plan.features?.length ? plan.features.map(words).join(", ") : null],
    ["Tokens", `about ${count(plan.input_tokens)} in${known(plan.max_output_tokens) ? `, at most ${count(plan.max_output_tokens)} out` : ""}`],
    ["Leads to", plan.destination ? [plan.destination, plan.group && plan.group !== plan.destination ? ` (${plan.group})` : ""] : null],
    ["Tier", plan.tier ? `${plan.tier.answering}, ${Number(plan.tier.score).toFixed(2)} points: ${plan.tier.parts.filter((part) => part.points).map((part) => `${words(part.name)} ${Number(part.points).toFixed(2)}`).join(", ") || "nothing weighs"}` : null],
    ["Calls at most", plan.max_attempts],
    ["Limits", limits([...plan.limits ?? [], ...plan.group_limits ?? []])],
  ]),
  plan.rules?.length > 0 && [h("h3", {}, "Rules"), table([
    ["Rule", (rule) => `${words(rule.kind)} ${rule.name}`, "name"],
    ["", (rule) => tag(rule.holds ? "holds" : "does not hold", rule.holds ? "good" : "")],
    ["Sends to", (rule) => rule.arm ? `${rule.to} (${rule.arm})` : rule.to], ["Why", (rule) => rule.reason, "wrap"],
  ], plan.rules, { caption: "Rules that were looked at" })],
  plan.candidates?.length > 0 && [h("h3", {}, "Candidates"), candidates(plan)],
  h("details", {}, h("summary", {}, "As JSON"), h("pre", { tabindex: "0" }, JSON.stringify(plan, null, 2)))];
}

function outcome(plan) {
  if (plan.failure) {
    return h("p", { class: "notice bad" }, `Nobody would be asked: ${plan.failure.status} ${words(plan.failure.code)}. `, plan.failure.message, seconds(plan.failure.retry_after_seconds));
  }
  const order = plan.order ?? [];
  return h("p", { class: "notice" }, plan.waits ? "It would wait for its turn" : order.length ? ["Asked first: ", h("b", {}, order[0])] : "Nobody is asked",
    order.length > 1 && !plan.waits ? [", then ", order.slice(1).join(", ")] : "", ".");
}

function candidates(plan) {
  const rank = (one) => known(one.place) ? one.place : one.kept ? 1000 : 2000;
  const rows = [...plan.candidates].sort((a, b) => rank(a) - rank(b));
  return table([
    ["Order", (one) => known(one.place) ? `${one.place}.` : "–", true],
    ["Target", (one) => [one.target, one.role !== "target" && one.role !== "primary" ? [" ", tag(words(one.role))] : ""], "name"],
    ["Kept or dropped", (one) => [tag(one.kept && !one.reason ? "kept" : "dropped", one.kept && !one.reason ? "good" : "bad"),
      one.reason ? ` ${words(one.reason)}${seconds(one.seconds_until_free)}` : "", one.message ? h("div", { class: "muted" }, one.message) : ""], "wrap"],
    ["Score", (one) => one.score && known(one.score.value) ? number(one.score.value) : "–", true],
    ["Share", (one) => known(one.score?.share) ? percent(one.score.share) : "–", true],
    ["Made of", (one) => Object.entries(one.score?.parts ?? {}).map(([name, value]) => `${words(name)} ${number(value)}`).join(", "), "wrap"],
    ["Priority", (one) => one.priority, true], ["Weight", (one) => number(one.weight), true],
    ["Cost", (one) => known(one.estimated_cost_usd) ? dollars(one.estimated_cost_usd) : "unknown", true],
    ["Health", (one) => tag(percent(one.health), one.health >= 0.9 ? "good" : one.health >= 0.7 ? "warn" : "bad")],
    ["Breaker", (one) => tag(words(one.breaker.state), one.breaker.state === "closed" ? "good" : "bad")],
    ["Running", (one) => count(one.in_flight), true], ["Limits", (one) => (one.limits ?? []).map((limit) => h("div", {}, limits([limit]) ?? ""))],
  ], rows, { caption: "Candidates" });
}

const number = (value) => known(value) ? Number(Number(value).toPrecision(4)).toString() : "–";

function limits(list) {
  const texts = (list ?? []).map((one) => {
    const parts = [["requests", one.requests], ["tokens", one.tokens]].filter(([, level]) => level).map(([name, level]) => `${count(level.remaining)} of ${count(level.limit)} ${name}`);
    if (known(one.concurrency)) parts.push(`${count(one.running)} of ${count(one.concurrency)} running`);
    return parts.length ? `${one.scope}: ${parts.join(", ")} left` : "";
  }).filter(Boolean);
  return texts.length ? texts.join("; ") : null;
}
