import { card, dollars, h, table, tag, toast } from "/dashboard/dom.js";
import { get, list, send } from "/dashboard/api.js";

export async function keys(it) {
  const may = (permission) => window.caller.permissions.includes(permission);
  const made = h("div", { "aria-live": "polite" });
  const show = (secret) => made.replaceChildren(h("p", { class: "notice" }, "Copy it now, it is not shown again: ", h("code", { id: "secret" }, secret)));
  async function act(text, method, path, body) {
    try {
      const result = await send(method, path, body);
      if (result.secret) show(result.secret);
      toast(text);
    } catch (error) { toast(error.message, true); }
    await refresh();
  }
  const name = h("input", { name: "name", required: true, pattern: "[A-Za-z0-9._\\-]+" });
  const models = h("input", { name: "models", placeholder: "all" });
  const budget = h("input", { name: "budget", type: "number", min: "0", step: "0.01", placeholder: "none" });
  const per = h("select", {}, ["day", "week", "month", "total"].map((value) => h("option", { value }, value)));
  const place = h("div", {});
  const create = (event) => {
    event.preventDefault();
    const body = { name: name.value };
    if (models.value.trim()) body.models = models.value.split(/[\s,]+/).filter(Boolean);
    if (budget.value) body.budget = { limit: budget.value, per: per.value };
    act(`${name.value} is made.`, "POST", "/keys", body);
  };
  async function refresh() {
    const [rows, budgets] = await Promise.all([list("/keys", it), list("/budgets", it).catch(() => [])]);
    place.replaceChildren(table([
      ["Name", (row) => row.name], ["Begins", (row) => h("code", {}, row.prefix ?? "–")], ["State", (row) => tag(row.state ?? (row.enabled === false ? "disabled" : "active"), row.enabled === false || row.state && row.state !== "active" ? "warn" : "good")],
      ["Tenant", (row) => row.tenant ?? "–"], ["Models", (row) => row.models?.join(", ") ?? "all", "wrap"], ["Expires", (row) => row.expires ?? "never"],
      ["", (row) => may("keys") && row.origin !== "file" && [
        h("button", { onclick: () => act("The old key works on for a day.", "POST", `/keys/${encodeURIComponent(row.name)}/rotate`, {}) }, "Rotate"), " ",
        h("button", { class: "danger", onclick: () => act("Disabled.", "POST", `/keys/${encodeURIComponent(row.name)}/disable`) }, "Disable")]],
    ], rows, { caption: "Keys", empty: "No key yet: everybody on this machine may ask." }),
      budgets.length > 0 && [h("h2", {}, "Budgets"), table([
        ["Budget", (row) => row.name ?? row.id], ["Period", (row) => row.per ?? row.period], ["Spent", (row) => row.unit === "tokens" ? row.spent : dollars(row.spent_usd ?? row.spent), true],
        ["Held", (row) => row.unit === "tokens" ? row.held : dollars(row.held_usd ?? row.held), true], ["Limit", (row) => row.unit === "tokens" ? row.limit : dollars(row.limit_usd ?? row.limit), true],
      ], budgets, { caption: "Budgets" })]);
  }
  it.show(h("h1", {}, "Keys and budgets"), may("keys") && card("New key", h("form", { class: "row", onsubmit: create },
    h("label", {}, "Name", name), h("label", {}, "Models", models), h("label", {}, "Budget, $", budget), h("label", {}, "per", per),
    h("button", { class: "main" }, "Make"))), made, place);
  await refresh();
}
