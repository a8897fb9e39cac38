import { card, facts, h, put, toast, wide } from "/dashboard/dom.js";
import { get, send } from "/dashboard/api.js";

export async function configuration(it) {
  const may = (permission) => window.caller.permissions.includes(permission);
  const text = h("textarea", { "aria-label": "Configuration to check", spellcheck: "false" });
  const verdict = h("div", { role: "status" });
  async function check() {
    try {
      const result = await send("POST", "/config/check", { text: text.value });
      put(verdict, h("p", { class: result.ok ? "notice" : "notice bad" }, result.ok ? "It would be taken." : `${result.faults.length} faults`),
        list([...result.faults, ...result.warnings]));
    } catch (error) { toast(error.message, true); }
  }
  async function reload() {
    try { await send("POST", "/config/reload"); toast("The file is read again and serves."); } catch (error) { toast(error.message, true); }
    await refresh();
  }
  async function revert() {
    try { await send("DELETE", "/config/overlay"); toast("What the file says serves again."); } catch (error) { toast(error.message, true); }
    await refresh();
  }
  async function refresh() {
    const [status, effective] = await Promise.all([get("/config", it), get("/config/effective", it)]);
    const last = status.last_attempt;
    it.show(h("h1", {}, "Configuration"), h("div", { class: "grid" },
      card("Running", facts([["File", status.running.file ?? "none: from the environment"], ["Version", h("code", {}, status.running.version)], ["Since", status.running.since]]),
        list(status.running.warnings), may("operate") && h("button", { class: "main", onclick: reload }, "Reload")),
      card("Last attempt", last ? [facts([["At", last.at], ["By", last.trigger], ["Taken", last.taken ? "yes" : "no"]]), list(last.faults),
        last.restart_needed?.length > 0 && h("p", {}, "Needs a restart: ", last.restart_needed.join(", "))] : h("p", { class: "muted" }, "None since the start.")),
      card("Changed at run time", status.changes.length ? [list(status.changes.map((one) => `${one.subject}: ${one.effect} by ${one.by}, ${one.at}`)),
        may("configure") && h("button", { class: "danger", onclick: revert }, "Return to the file")] : h("p", { class: "muted" }, "Nothing: the file is what serves.")),
      may("configure") && wide("Check a file", text, h("button", { onclick: check }, "Check"), verdict),
      wide("What serves", h("pre", { tabindex: "0" }, JSON.stringify(effective, null, 2)))));
  }
  const list = (texts) => texts?.length > 0 && h("ul", {}, texts.map((one) => h("li", {}, one)));
  await refresh();
}
