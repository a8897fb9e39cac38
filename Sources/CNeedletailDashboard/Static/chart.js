// Lines over time as plain SVG, readable without colour: each line has its own dash.
import { h, s } from "/dashboard/dom.js";

const dashes = ["", "6 3", "2 3", "8 3 2 3"];

/// `series`: [{ name, values }], oldest first, `step` seconds apart, the last one now.
export function lines(title, series, { step, format = String, height = 170 } = {}) {
  const width = 460, left = 58, right = 8, top = 8, bottom = 22;
  const length = Math.max(...series.map((one) => one.values.length), 2);
  const known = series.flatMap((one) => one.values).filter((value) => value !== null);
  if (!known.some((value) => value !== 0)) return h("p", { class: "muted" }, "No traffic in this time.");
  const peak = nice(Math.max(...known, 0));
  const x = (index) => left + (width - left - right) * index / (length - 1);
  const y = (value) => top + (height - top - bottom) * (1 - value / peak);
  const drawing = s("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": describe(title, series, format) });
  for (let part = 0; part <= 4; part++) {
    const value = peak * part / 4;
    drawing.append(s("line", { class: "gridline", x1: left, x2: width - right, y1: y(value), y2: y(value) }),
      s("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, format(value)));
  }
  for (let part = 0; part <= 4; part++) {
    const age = step * (length - 1) * (1 - part / 4);
    drawing.append(s("text", { x: x((length - 1) * part / 4), y: height - 6, "text-anchor": part === 0 ? "start" : part === 4 ? "end" : "middle" },
      age === 0 ? "now" : age >= 60 ? `−${Math.round(age / 60)} min` : `−${Math.round(age)} s`));
  }
  series.forEach((one, number) => {
    let path = "", isDrawing = false;
    one.values.forEach((value, index) => {
      if (value === null) { isDrawing = false; return; }
      path += `${isDrawing ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      if (!isDrawing) path += "h.1";
      isDrawing = true;
    });
    drawing.append(s("path", { d: path, fill: "none", stroke: `var(--series-${number + 1})`, "stroke-width": 2, "stroke-dasharray": dashes[number], "stroke-linejoin": "round" }));
  });
  return h("figure", { style: undefined, class: "figure" }, drawing, series.length > 1 && h("figcaption", { class: "legend" }, series.map((one, number) =>
    h("span", {}, s("svg", { width: 26, height: 8, "aria-hidden": true }, s("line", { x1: 0, x2: 26, y1: 4, y2: 4, stroke: `var(--series-${number + 1})`, "stroke-width": 2, "stroke-dasharray": dashes[number] })), " ", one.name))));
}

/// A request's calls as bars on one time axis.
export function waterfall(calls, total) {
  const width = 640, left = 150, row = 24;
  const span = Math.max(total, 1, ...calls.map((one) => one.start_ms + one.duration_ms));
  const x = (value) => left + (width - left - 60) * value / span;
  return s("svg", { class: "chart", viewBox: `0 0 ${width} ${row * calls.length + 22}`, role: "img", "aria-label": `Calls: ${calls.map((one) => `${one.provider} ${one.outcome} after ${Math.round(one.duration_ms)} ms`).join(", ")}` },
    calls.map((one, index) => [
      s("text", { x: 0, y: row * index + 16 }, `${one.number}. ${one.provider}`.slice(0, 24)),
      s("rect", { x: x(one.start_ms), y: row * index + 5, width: Math.max(2, x(one.start_ms + one.duration_ms) - x(one.start_ms)), height: row - 10, rx: 3, fill: one.outcome === "finished" ? "var(--series-4)" : "var(--series-2)" }),
      one.time_to_first_token_ms !== null && s("line", { x1: x(one.start_ms + one.time_to_first_token_ms), x2: x(one.start_ms + one.time_to_first_token_ms), y1: row * index + 2, y2: row * index + row - 2, stroke: "var(--text)" }),
      s("text", { x: x(one.start_ms + one.duration_ms) + 4, y: row * index + 16 }, `${Math.round(one.duration_ms)} ms`),
    ]),
    s("text", { x: left, y: row * calls.length + 16 }, "0"), s("text", { x: width - 60, y: row * calls.length + 16, "text-anchor": "end" }, `${Math.round(span)} ms`));
}

function nice(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value);
}

function describe(title, series, format) {
  return title + ": " + series.map((one) => {
    const last = one.values.filter((value) => value !== null).at(-1);
    return `${one.name} now ${last === undefined ? "unknown" : format(last)}`;
  }).join(", ");
}
