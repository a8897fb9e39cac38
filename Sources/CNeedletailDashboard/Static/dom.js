// Builds elements. Whatever comes from the gateway becomes text, never markup.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(4)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

export const h = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
export const s = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

/// Puts content in the place of what an element holds.
export function put(element, ...content) {
  element.replaceChildren();
  return fill(element, {}, content);
}

export function toast(text, isBad = false) {
  const element = h("div", { class: isBad ? "toast bad" : "toast" }, text);
  document.getElementById("toasts").append(element);
  setTimeout(() => element.remove(), isBad ? 9000 : 4000);
}

export const tag = (text, kind = "") => h("span", { class: `tag ${kind}` }, text);

/// A table; a column is [heading, row => content, isNumber].
export function table(columns, rows, { caption, empty = "Nothing here yet.", pick } = {}) {
  if (!rows.length) return h("p", { class: "muted" }, empty);
  const line = (row) => h("tr", pick ? { class: "pick", onclick: () => pick(row) } : {},
    columns.map(([, cell, kind]) => h("td", { class: kind === true ? "num" : kind }, cell(row))));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("thead", {}, h("tr", {}, columns.map(([title, , kind]) =>
      h("th", { scope: "col", class: kind === true ? "num" : kind }, title)))), h("tbody", {}, rows.map(line))));
}

export const facts = (pairs) => h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== undefined && value !== null)
  .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

export const card = (title, ...children) => h("section", { class: "card" }, title ? h("h2", {}, title) : null, children);
export const wide = (title, ...children) => { const it = card(title, ...children); it.classList.add("wide"); return it; };
export const tile = (value, name) => h("div", { class: "tile" }, h("b", {}, value), h("span", {}, name));

export const count = (value) => value === undefined || value === null ? "–"
  : Math.abs(value) >= 1e6 ? (value / 1e6).toFixed(2) + " M" : Math.abs(value) >= 1e4 ? (value / 1e3).toFixed(1) + " k"
  : Number.isInteger(value) ? String(value) : value.toFixed(2);
export const milliseconds = (value) => value === undefined || value === null ? "–"
  : value >= 10000 ? (value / 1000).toFixed(1) + " s" : value >= 100 ? Math.round(value) + " ms" : value.toFixed(1) + " ms";
export const dollars = (value) => value === undefined || value === null ? "unknown"
  : Number(value) === 0 ? "$0" : Number(value) < 0.01 ? "$" + Number(value).toFixed(6) : "$" + Number(value).toFixed(2);
export const percent = (value) => value === undefined || value === null || Number.isNaN(value) ? "–" : (value * 100).toFixed(value > 0.999 || value === 0 ? 0 : 1) + " %";
export const time = (seconds) => seconds ? new Date(seconds * 1000).toLocaleTimeString() : "–";
