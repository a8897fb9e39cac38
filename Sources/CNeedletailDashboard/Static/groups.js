import { card, count, h, percent, table, tag, toast } from "/dashboard/dom.js";
import { get, list, send } from "/dashboard/api.js";

export async function groups(it) {
  const may = (permission) => window.caller.permissions.includes(permission);
  async function act(text, path, body) {
    try { await send("POST", path, body); toast(text); } catch (error) { toast(error.message, true); }
    await refresh();
  }
  async function refresh() {
    if (document.activeElement?.matches("main input")) return;
    const [rows, overview, experiments] = await Promise.all([list("/groups", it), get("/overview?minutes=5", it).catch(() => null), get("/experiments", it).then((page) => page.experiments)]);
    const asked = Object.fromEntries((overview?.models ?? []).map((row) => [row.name, row]));
    it.show(h("h1", {}, "Groups and routes"), h("div", { class: "grid" }, rows.length ? rows.map((row) => one(row, asked[row.name]))
      : h("p", { class: "notice" }, "No group is configured. Clients ask for provider/model. A group under models: gives several providers one name, with failover.")),
      experiments.length > 0 && [h("h2", {}, "Experiments"), experiments.map((one) => card(one.name, h("pre", {}, JSON.stringify(one, null, 2))))]);
  }
  const one = (row, traffic) => {
    const inputs = new Map();
    const weigh = (event) => {
      event.preventDefault();
      const weights = Object.fromEntries([...inputs].map(([to, input]) => [to, Number(input.value)]));
      act("Weights are changed.", `/groups/${encodeURIComponent(row.name)}/weights`, weights);
    };
    const name = (target) => target.group ?? (target.model ? `${target.provider}/${target.model}` : target.provider);
    return card(null, h("h2", {}, row.name, " ", tag(row.strategy), " ", row.enabled === false && tag("disabled", "warn"), " ", row.changed && tag("changed at run time", "warn")),
      h("p", { class: "muted" }, `${row.max_attempts} calls a request at most`, traffic ? `; ${count(traffic.requests)} of the last requests, ${percent(traffic.failures / traffic.requests)} failed` : ""),
      h("form", { onsubmit: weigh }, table([
        ["Target", name], ["Priority", (target) => target.priority ?? "–", true],
        ["Weight", (target) => {
          if (!may("operate") || target.group) return target.weight ?? "–";
          const input = h("input", { type: "number", min: "0", step: "any", value: String(target.weight ?? 1), "aria-label": `Weight of ${name(target)}` });
          inputs.set(name(target), input);
          return input;
        }, true],
      ], row.targets ?? [], { caption: `Targets of ${row.name}` }),
      may("operate") && h("div", { class: "row" }, inputs.size > 0 && h("button", {}, "Set weights"),
        h("button", { type: "button", class: row.enabled === false ? "main" : "danger", onclick: () => act("Done.", `/groups/${encodeURIComponent(row.name)}/${row.enabled === false ? "enable" : "disable"}`) }, row.enabled === false ? "Enable" : "Disable"))));
  };
  await it.every(2, refresh);
}
