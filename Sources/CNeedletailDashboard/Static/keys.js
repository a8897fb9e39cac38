import { card, count, dollars, h, table, tag, toast } from "/dashboard/dom.js";
import { list, send } from "/dashboard/api.js";

export async function keys(it) {
  const may = (permission) => window.caller.permissions.includes(permission);
  const made = h("div", { "aria-live": "polite" });
  const show = (secret) => made.replaceChildren(h("p", { class: "notice" }, "Copy it now, it is not shown again: ", h("code", { id: "secret" }, secret)));
  async function act(text, method, path, body) {
    try {
      const result = await send(method, path, body);
      if (result.key) show(result.key);
      toast(text);
    } catch (error) { toast(error.message, true); }
    await refresh();
  }
  const name = h("input", { name: "name", required: true, pattern: "[A-Za-z0-9._\\-]+" });
  const models = h("input", { name: "models", placeholder: "all" });
  const tenant = h("input", { name: "tenant", placeholder: "none" });
  const days = h("input", { name: "days", type: "number", min: "1", placeholder: "never" });
  const place = h("div", {});
  const create = (event) => {
    event.preventDefault();
    const body = { name: name.value };
    if (models.value.trim()) body.models = models.value.split(/[\s,]+/).filter(Boolean);
    if (tenant.value.trim()) body.tenant = tenant.value.trim();
    if (days.value) body.expires_in = Number(days.value) * 86400;
    act(`${name.value} is made.`, "POST", "/keys", body);
  };
  async function refresh() {
    const [rows, budgets] = await Promise.all([list("/keys", it), list("/budgets", it)]);
    const counts = budgets.flatMap((one) => one.counts.length ? one.counts.map((part) => ({ ...one, ...part })) : [{ ...one, spent: "0", held: "0", left: one.limit }]);
    const amount = (row, value) => row.unit === "tokens" ? count(Number(value)) : dollars(value);
    place.replaceChildren(table([
      ["Name", (row) => row.name], ["Begins", (row) => h("code", {}, row.prefix ?? "–")], ["State", (row) => row.disabled ? tag("disabled", "warn") : row.expires && row.expires * 1000 < Date.now() ? tag("expired", "warn") : tag("active", "good")],
      ["Tenant", (row) => row.tenant ?? "–"], ["Models", (row) => row.models?.join(", ") ?? "all", "wrap"], ["Expires", (row) => row.expires ? new Date(row.expires * 1000).toLocaleString() : "never"],
      ["", (row) => may("keys") && [
        h("button", { onclick: () => act("The old key works on for a day.", "POST", `/keys/${encodeURIComponent(row.name)}/rotate`, {}) }, "Rotate"), " ",
        h("button", { class: "danger", onclick: () => act("Disabled.", "POST", `/keys/${encodeURIComponent(row.name)}/disable`) }, "Disable")]],
    ], rows, { caption: "Keys", empty: "No key yet: everybody on this machine may ask." }),
      ...(counts.length ? [h("h2", {}, "Budgets"), table([
        ["Budget", (row) => row.name], ["Per", (row) => `${row.per} (${row.window})`], ["Spent", (row) => amount(row, row.spent), true],
        ["Held", (row) => amount(row, row.held), true], ["Left", (row) => amount(row, row.left), true], ["Limit", (row) => amount(row, row.limit), true],
      ], counts, { caption: "Budgets" })] : []));
  }
  it.show(h("h1", {}, "Keys and budgets"), may("keys") && card("New key", h("form", { class: "row", onsubmit: create },
    h("label", {}, "Name", name), h("label", {}, "Models", models), h("label", {}, "Tenant", tenant), h("label", {}, "Expires in days", days),
    h("button", { class: "main" }, "Make"))), made, place);
  await refresh();
}
