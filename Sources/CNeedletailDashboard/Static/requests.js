import { count, dollars, facts, h, milliseconds, put, table, tag, time } from "/dashboard/dom.js";
import { events, get } from "/dashboard/api.js";
import { waterfall } from "/dashboard/chart.js";

const fields = [["model", "Model"], ["provider", "Provider"], ["key", "Key"], ["status", "Status (429, 5xx)"],
  ["min_duration_ms", "At least, ms"], ["min_cost_usd", "At least, $"]];

export async function requests(it) {
  const inputs = Object.fromEntries(fields.map(([name]) => [name, h("input", { name, size: 12 })]));
  const place = h("div", {});
  const live = h("input", { type: "checkbox", checked: true, id: "live", onchange: () => tail?.abort() });
  const more = h("button", { onclick: () => older() }, "Older");
  const dialog = h("dialog", { "aria-label": "Request" });
  let rows = [], newest = 0, before = null, tail = null, frame = null;

  const query = () => Object.entries(inputs).filter(([, input]) => input.value.trim())
    .map(([name, input]) => `&${name}=${encodeURIComponent(input.value.trim())}`).join("");
  it.show(h("h1", {}, "Requests"),
    h("form", { class: "row", onsubmit: (event) => { event.preventDefault(); load(); } },
      fields.map(([name, title]) => h("label", {}, title, inputs[name])), h("button", { class: "main" }, "Filter"),
      h("label", {}, "Live", live)), place, more, dialog);

  const draw = () => {
    place.replaceChildren(table([
      ["Ended", (row) => h("button", { onclick: (event) => { event.stopPropagation(); story(row); } }, time(row.ended))],
      ["Status", (row) => tag(row.outcome === "finished" ? String(row.status) : `${row.status} ${row.error ?? row.outcome}`, row.outcome === "finished" ? "good" : row.status >= 500 || row.outcome === "failed" && row.status < 400 ? "bad" : "warn")],
      ["Model", (row) => row.model, "name"], ["Answered by", (row) => row.provider ? `${row.provider} / ${row.answered_model ?? ""}` : "–"],
      ["Key", (row) => row.key ?? "–"], ["Calls", (row) => row.attempts, true], ["Time", (row) => milliseconds(row.duration_ms), true],
      ["First token", (row) => milliseconds(row.time_to_first_token_ms), true],
      ["Tokens", (row) => row.input_tokens === null ? "–" : `${count(row.input_tokens)} → ${count(row.output_tokens)}`, true],
      ["Cost", (row) => dollars(row.cost_usd), true],
    ], rows, { caption: "Requests", empty: "No request fits.", pick: story }));
    more.hidden = before === null;
  };
  async function load() {
    const page = await get(`/requests?limit=100${query()}`, it);
    ({ data: rows, newest, next_before: before } = page);
    draw();
    tail?.abort();
  }
  async function older() {
    const page = await get(`/requests?limit=100&before=${before}${query()}`, it);
    rows = rows.concat(page.data);
    before = page.next_before;
    draw();
  }
  async function story(row) {
    const one = await get(`/requests/${encodeURIComponent(row.id)}`, it);
    // Older stories do not tell it apart.
    const kept = one.lost_bookkeeping ?? [], content = one.lost_fields.filter((name) => !kept.includes(name));
    put(dialog, h("h2", {}, one.id), facts([
      ["Asked", `${one.model} (${one.surface ?? "library"}, ${one.operation}${one.streaming ? ", streamed" : ""})`],
      ["Answered", one.provider && `${one.provider} / ${one.answered_model}`], ["Status", `${one.status} ${one.error ?? one.outcome}`],
      ["Message", one.message], ["Key", one.key], ["Tenant", one.tenant], ["Time", `${milliseconds(one.duration_ms)}, of it waiting for providers ${milliseconds(one.waited_ms)}, gateway ${milliseconds(one.overhead_ms)}`],
      ["First token", one.time_to_first_token_ms !== null ? milliseconds(one.time_to_first_token_ms) : null],
      ["Tokens", one.input_tokens !== null ? `${one.input_tokens} in (${one.cached_input_tokens ?? 0} cached), ${one.output_tokens} out (${one.reasoning_tokens ?? 0} reasoning)` : null],
      ["Cost", dollars(one.cost_usd)], ["Lost in translation", content.length ? content.join(", ") : null],
      ["Provider's bookkeeping left out", kept.length ? kept.join(", ") : null], ["Trace", one.trace_id],
    ]), h("h2", {}, "Calls"), one.calls.length ? [waterfall(one.calls, one.duration_ms), table([
      ["", (call) => call.number, true], ["Why", (call) => call.cause], ["Provider", (call) => `${call.provider} / ${call.model}`],
      ["Outcome", (call) => tag(call.error ?? call.outcome, call.outcome === "finished" ? "good" : "bad")], ["Status", (call) => call.upstream_status ?? "–", true],
      ["Time", (call) => milliseconds(call.duration_ms), true], ["Cost", (call) => dollars(call.cost_usd), true], ["Message", (call) => call.message ?? "", "wrap"],
    ], one.calls, { caption: "Calls" })] : h("p", { class: "muted" }, "Nobody was called."),
      h("button", { onclick: () => dialog.close() }, "Close"));
    dialog.showModal();
  }
  await load();
  // Another filter, or a connection that broke, begins after the newest that is shown.
  await it.every(0.2, async () => {
    if (!live.checked) return new Promise((resolve) => setTimeout(resolve, 500));
    tail = new AbortController();
    const own = tail.signal;
    try {
      await events(`/requests/tail?after=${newest}${query()}`, { signal: AbortSignal.any([it.signal, own]) }, (name, row) => {
        if (name !== "request") return;
        newest = row.number;
        rows = [row].concat(rows).slice(0, 500);
        frame ??= requestAnimationFrame(() => { frame = null; draw(); });
      });
    } catch (error) { if (!own.aborted) throw error; }
  });
}
