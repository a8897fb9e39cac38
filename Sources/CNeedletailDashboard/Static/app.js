// The frame: pages by the address's hash, who is there, and the key.
import { h, put, toast } from "/dashboard/dom.js";
import { get, key } from "/dashboard/api.js";
import { alerts } from "/dashboard/alerts.js";
import { overview } from "/dashboard/overview.js";
import { providers } from "/dashboard/providers.js";
import { groups } from "/dashboard/groups.js";
import { requests } from "/dashboard/requests.js";
import { costs } from "/dashboard/costs.js";
import { keys } from "/dashboard/keys.js";
import { configuration } from "/dashboard/configuration.js";
import { playground } from "/dashboard/playground.js";

const pages = [
  ["overview", "Overview", overview], ["alerts", "Alerts", alerts], ["providers", "Providers", providers], ["groups", "Groups", groups],
  ["requests", "Requests", requests], ["costs", "Costs", costs], ["keys", "Keys", keys],
  ["configuration", "Configuration", configuration], ["playground", "Playground", playground],
];
const main = document.getElementById("main");
let leave = null;

/// What a page may do: show something, ask again every so often until it is left.
function frame() {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    show: (...content) => { if (!controller.signal.aborted) keepingPlace(() => main.replaceChildren(...content.flat(3).filter(Boolean))); },
    /// Nothing is asked while nobody sees the page.
    every: async (seconds, task) => {
      while (!controller.signal.aborted) {
        if (document.visibilityState === "visible") {
          main.setAttribute("aria-busy", "true");
          try { await task(); } catch (error) { failed(error, controller.signal); }
          if (!controller.signal.aborted) main.removeAttribute("aria-busy");
        }
        await pause(seconds, controller.signal);
      }
    },
    leave: () => controller.abort(),
  };
}

/// Ends early when the page is left, or seen again.
function pause(seconds, signal) {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = () => { clearTimeout(timer); over.abort(); resolve(); };
    const timer = setTimeout(end, seconds * 1000);
    signal.addEventListener("abort", end, { signal: over.signal });
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") end(); }, { signal: over.signal });
  });
}

/// Draws anew, and leaves the focus and what was scrolled where they were.
function keepingPlace(draw) {
  const places = () => [...main.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const scrolled = () => [...main.querySelectorAll(".scroll")];
  const focused = document.activeElement, place = places().indexOf(focused), offsets = scrolled().map((each) => each.scrollLeft);
  draw();
  scrolled().forEach((each, index) => { if (offsets[index]) each.scrollLeft = offsets[index]; });
  const next = places()[place];
  if (next && next !== document.activeElement && next.tagName === focused.tagName) next.focus({ preventScroll: true });
}

function failed(error, signal) {
  if (error.name === "AbortError" || signal.aborted) return;
  if (error.status === 401) { leave?.(); return login("The key is not valid, or not any more."); }
  main.replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.status === 404
    ? "This part is not switched on in this gateway." : error.message));
}

async function open() {
  leave?.();
  const name = location.hash.replace(/^#\//, "").split("/")[0] || "overview";
  const [id, title, page] = pages.find(([id]) => id === name) ?? pages[0];
  document.title = `${title} – Needletail`;
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.dataset.page === id) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  main.removeAttribute("aria-busy");
  const it = frame();
  leave = it.leave;
  main.replaceChildren(h("h1", {}, title), h("p", { class: "muted" }, "Loading …"));
  try { await page(it); } catch (error) { failed(error, it.signal); }
}

function login(reason) {
  document.getElementById("nav").replaceChildren();
  document.getElementById("who").replaceChildren();
  const field = h("input", { type: "password", name: "key", required: true, autocomplete: "current-password" });
  put(main, h("h1", {}, "Admin key"), reason && h("p", { class: "notice bad", role: "alert" }, reason),
    h("form", { class: "row", onsubmit: (event) => { event.preventDefault(); key.set(field.value.trim()); start(); } },
      h("label", {}, "Key", field), h("button", { class: "main" }, "Log in")));
  field.focus();
}

async function start() {
  let caller;
  try { caller = await get("/whoami"); } catch (error) {
    if (error.status === 401 || error.status === 403) {
      const had = key.get();
      key.set("");
      return login(had ? "The key is not valid." : undefined);
    }
    main.replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.message, " ",
      h("button", { onclick: start }, "Try again")));
    return;
  }
  document.getElementById("nav").replaceChildren(...pages.map(([id, title]) => h("a", { href: `#/${id}`, "data-page": id }, title)));
  document.getElementById("who").replaceChildren(h("span", {}, `${caller.name} (${caller.role})`),
    key.get() ? h("button", { onclick: () => { key.set(""); leave?.(); toast("Logged out."); login(); } }, "Log out") : "");
  window.caller = caller;
  await open();
}

window.addEventListener("hashchange", () => { if (document.querySelector("#nav a")) { open(); main.focus(); } });
start();
