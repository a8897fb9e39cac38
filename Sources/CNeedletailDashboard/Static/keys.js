import { card, count, dollars, h, table, tag, toast } from "/dashboard/dom.js";
import { list, send } from "/dashboard/api.js";

const rates = ["rpm", "tpm", "concurrency"];

export async function keys(it) {
  const may = (permission) => window.caller.permissions.includes(permission);
  const made = h("div", { "aria-live": "polite" });
  const show = (secret) => made.replaceChildren(h("p", { class: "notice" }, "Copy it now, it is not shown again: ", h("code", { id: "secret" }, secret)));
  async function act(text, method, path, body, options) {
    let isDone = false;
    try {
      const result = await send(method, path, body, options);
      if (result.key) show(result.key);
      toast(text);
      isDone = true;
    } catch (error) { toast(error.message, true); }
    await refresh();
    return isDone;
  }
  const words = (input) => input.value.split(/[\s,]+/).filter(Boolean);
  /// What is written of rates and budget; what is left out is null, which takes away what a key had.
  const bounds = (inputs, per) => ({
    limits: Object.fromEntries(rates.map((rate) => [rate, inputs[rate].value ? Number(inputs[rate].value) : null])),
    budget: inputs.budget.value ? { limit: inputs.budget.value, per: per.value } : null,
  });
  const priorities = (chosen = "normal") => h("select", {}, ["low", "normal", "high"].map((word) => h("option", { value: word, selected: word === chosen }, word)));
  const boundInputs = (row = {}) => ({
    ...Object.fromEntries(rates.map((rate) => [rate, h("input", { type: "number", min: "1", placeholder: "none", value: row.limits?.[rate] ?? "" })])),
    budget: h("input", { inputmode: "decimal", pattern: "[0-9]+(\\.[0-9]{1,12})?", placeholder: "none", value: row.budget?.limit ?? "" }),
  });
  const periods = (chosen = "month") => h("select", {}, ["minute", "hour", "day", "week", "month", "total"].map((per) => h("option", { value: per, selected: per === chosen }, per)));
  const boundLabels = (inputs, per, priority) => [
    h("label", {}, "Requests a minute", inputs.rpm), h("label", {}, "Tokens a minute", inputs.tpm), h("label", {}, "At a time", inputs.concurrency),
    h("label", {}, "Budget in dollars", inputs.budget), h("label", {}, "Per", per), h("label", {}, "Priority", priority)];

  const name = h("input", { name: "name", required: true, pattern: "[A-Za-z0-9._\\-]+" });
  const models = h("input", { name: "models", placeholder: "all" });
  const tenant = h("input", { name: "tenant", placeholder: "none" });
  const days = h("input", { name: "days", type: "number", min: "1", placeholder: "never" });
  const newBounds = boundInputs();
  const newPer = periods();
  const newPriority = priorities();
  const place = h("div", {});
  const editor = h("div", {});
  const create = (event) => {
    event.preventDefault();
    const body = { name: name.value };
    if (models.value.trim()) body.models = words(models);
    if (tenant.value.trim()) body.tenant = tenant.value.trim();
    if (days.value) body.expires_in = Number(days.value) * 86400;
    const { limits, budget } = bounds(newBounds, newPer);
    const set = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== null));
    if (Object.keys(set).length) body.limits = set;
    if (budget) body.budget = budget;
    if (newPriority.value !== "normal") body.priority = newPriority.value;
    act(`${name.value} is made.`, "POST", "/keys", body);
  };

  const path = (row) => `/keys/${encodeURIComponent(row.id)}`;
  const close = (opener) => { editor.replaceChildren(); opener?.isConnected ? opener.focus() : place.querySelector("button")?.focus(); };
  function edit(row, opener) {
    const rename = h("input", { required: true, pattern: "[A-Za-z0-9._\\-]+", value: row.name });
    const opened = row.models?.join(", ") ?? "";
    const opens = h("input", { placeholder: row.models ? "none" : "all", value: opened });
    const team = h("input", { placeholder: "none", value: row.team ?? "" });
    const isOn = h("input", { type: "checkbox", checked: !row.disabled });
    const inputs = boundInputs(row);
    const per = periods(row.budget?.per);
    const priority = priorities(row.priority);
    const save = async (event) => {
      event.preventDefault();
      const body = { ...bounds(inputs, per), enabled: isOn.checked };
      // What was not touched is not said: a list that is empty opens nothing, and shows as little as none.
      if (opens.value !== opened) body.models = opens.value.trim() ? words(opens) : null;
      if (team.value !== (row.team ?? "")) body.team = team.value.trim() || null;
      if (rename.value !== row.name) body.name = rename.value;
      if (priority.value !== (row.priority ?? "normal")) body.priority = priority.value;
      // Two who edit at once do not undo each other's changes.
      if (await act(`${rename.value} is changed.`, "PATCH", path(row), body, { headers: { "if-match": row.etag } })) close(opener);
    };
    editor.replaceChildren(card(`Change ${row.name}`, h("form", { class: "row", onsubmit: save, onkeydown: (event) => event.key === "Escape" && close(opener) },
      h("label", {}, "New name", rename), h("label", {}, "Its models", opens), h("label", {}, "Its team", team), boundLabels(inputs, per, priority),
      h("label", {}, isOn, " Opens what it may"),
      h("button", { class: "main" }, "Save"), h("button", { type: "button", onclick: () => close(opener) }, "Cancel"))));
    rename.focus();
  }
  function remove(row, opener) {
    const sure = h("button", { class: "danger", onclick: async () => {
      if (await act(`${row.name} is deleted.`, "DELETE", path(row), undefined, { headers: { "if-match": row.etag } })) close(opener);
    } }, "Delete for good");
    editor.replaceChildren(card(`Delete ${row.name}?`, h("p", {}, "Whoever uses it is refused at once. What it has cost stays in the ledger."),
      h("div", { class: "row", onkeydown: (event) => event.key === "Escape" && close(opener) }, sure, h("button", { onclick: () => close(opener) }, "Cancel"))));
    sure.focus();
  }

  const bounded = (row) => [...(row.priority ? [`priority ${row.priority}`] : []), ...rates.filter((rate) => row.limits?.[rate]).map((rate) => `${rate} ${count(row.limits[rate])}`),
    ...(row.budget ? [`${dollars(row.budget.limit)} per ${row.budget.per}`] : [])].join(", ") || "–";
  async function refresh() {
    const [rows, budgets] = await Promise.all([list("/keys", it), list("/budgets", it)]);
    const counts = budgets.flatMap((one) => one.counts.length ? one.counts.map((part) => ({ ...one, ...part })) : [{ ...one, spent: "0", held: "0", left: one.limit }]);
    const amount = (row, value) => row.unit === "tokens" ? count(Number(value)) : dollars(value);
    place.replaceChildren(table([
      ["Name", (row) => row.name], ["Begins", (row) => h("code", {}, row.prefix ?? "–")], ["State", (row) => row.disabled ? tag("disabled", "warn") : row.expires && row.expires * 1000 < Date.now() ? tag("expired", "warn") : tag("active", "good")],
      ["Tenant", (row) => row.tenant ?? "–"], ["Models", (row) => row.models?.join(", ") ?? "all", "wrap"], ["Limits", bounded, "wrap"], ["Expires", (row) => row.expires ? new Date(row.expires * 1000).toLocaleString() : "never"],
      ["", (row) => may("keys") && [
        h("button", { onclick: (event) => edit(row, event.currentTarget) }, "Edit"), " ",
        h("button", { onclick: () => act("The old key works on for a day.", "POST", `/keys/${encodeURIComponent(row.name)}/rotate`, {}) }, "Rotate"), " ",
        h("button", { class: "danger", onclick: () => act(row.disabled ? "Enabled." : "Disabled.", "POST", `${path(row)}/${row.disabled ? "enable" : "disable"}`) }, row.disabled ? "Enable" : "Disable"), " ",
        h("button", { class: "danger", onclick: (event) => remove(row, event.currentTarget) }, "Delete")]],
    ], rows, { caption: "Keys", empty: "No key yet: everybody on this machine may ask." }),
      ...(counts.length ? [h("h2", {}, "Budgets"), table([
        ["Budget", (row) => row.name], ["Per", (row) => `${row.per} (${row.window})`], ["Spent", (row) => amount(row, row.spent), true],
        ["Held", (row) => amount(row, row.held), true], ["Left", (row) => amount(row, row.left), true], ["Limit", (row) => amount(row, row.limit), true],
      ], counts, { caption: "Budgets" })] : []));
  }
  it.show(h("h1", {}, "Keys and budgets"), may("keys") && card("New key", h("form", { class: "row", onsubmit: create },
    h("label", {}, "Name", name), h("label", {}, "Models", models), h("label", {}, "Tenant", tenant), h("label", {}, "Expires in days", days),
    boundLabels(newBounds, newPer, newPriority), h("button", { class: "main" }, "Make"))), made, editor, place);
  await refresh();
}
