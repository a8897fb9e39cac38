import { count, dollars, h, table } from "/dashboard/dom.js";
import { call, get } from "/dashboard/api.js";

export async function costs(it) {
  const by = h("select", { onchange: refresh }, ["model", "key", "provider", "day"].map((name) => h("option", { value: name }, name)));
  const days = h("select", { onchange: refresh }, [["7", "last 7 days"], ["1", "last 24 hours"], ["30", "last 30 days"], ["", "all"]]
    .map(([value, title]) => h("option", { value }, title)));
  const place = h("div", {});
  it.show(h("h1", {}, "Costs"), h("div", { class: "row" }, h("label", {}, "By", by), h("label", {}, "Of", days), h("button", { onclick: save }, "Save as CSV")), place);
  let rows = [], asked = 0;
  async function refresh() {
    const turn = ++asked;
    const since = days.value ? `&since=${Math.floor(Date.now() / 1000) - days.value * 86400}` : "";
    const data = await get(`/costs?by=${by.value}${since}`, it);
    // Of two that were asked for one after the other the first may come last.
    if (turn !== asked) return;
    rows = data.rows;
    place.replaceChildren(h("p", {}, h("b", {}, dollars(data.total_usd)), " in all"), table([
      [by.value, (row) => row[by.value] ?? "–"], ["Requests", (row) => count(row.requests), true], ["Tokens in", (row) => count(row.input_tokens), true],
      ["Tokens out", (row) => count(row.output_tokens), true], ["Cost", (row) => dollars(row.cost_usd), true],
    ], rows, { caption: "Costs", empty: "Nothing has been spent." }));
  }
  function save() {
    const columns = [by.value, "requests", "input_tokens", "output_tokens", "cost_usd"];
    const cell = (value) => `"${String(value ?? "").replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
    const text = [columns, ...rows.map((row) => columns.map((name) => row[name]))].map((line) => line.map(cell).join(",")).join("\r\n");
    const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "costs.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  }
  await refresh();
}
