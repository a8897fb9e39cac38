// How long calls took over time: a column for each minute, a row for each range of latency, darker where there were more.
import { count, h, s, table } from "/dashboard/dom.js";

const name = (bounds, row) => row > bounds.length ? "failed" : row === bounds.length ? `> ${short(bounds.at(-1))}` : `< ${short(bounds[row])}`;
const short = (milliseconds) => milliseconds >= 1000 ? `${milliseconds / 1000} s` : `${milliseconds} ms`;
// Steps that can be told apart, also where few calls stand beside many.
const shade = (value, peak) => (0.2 + 0.8 * Math.log1p(value) / Math.log1p(peak)).toFixed(2);

/// `counts`: for each column of `step` seconds, oldest first, the last one now, a count for each row: one for each of `bounds`
/// in milliseconds, one for longer calls, one for those that failed. `open`: which tables are shown, kept over redraws.
export function heatmap(of, counts, { bounds, step, open }) {
  const rows = bounds.length + 2, columns = counts.length;
  const sums = Array.from({ length: rows }, (_, row) => counts.reduce((sum, column) => sum + column[row], 0));
  const all = sums.reduce((sum, one) => sum + one, 0);
  const title = `Latency of ${of}, last ${Math.round(columns * step / 60)} minutes`;
  if (all === 0) return h("p", { class: "muted" }, "No calls in the last hour.");
  const width = 460, left = 58, right = 8, top = 4, cell = 13, bottom = 20;
  const peak = Math.max(...counts.flat());
  const wide = (width - left - right) / columns;
  const y = (row) => top + (rows - 1 - row) * cell;
  const drawing = s("svg", { class: "chart heat", viewBox: `0 0 ${width} ${top + rows * cell + bottom}`, role: "img",
    "aria-label": `${title}: ${count(all)} calls, ${sums.map((sum, row) => sum > 0 && `${count(sum)} ${name(bounds, row).replace("<", "under").replace(">", "over")}`).filter(Boolean).join(", ")}. The numbers are in the table below.` },
    s("rect", { class: "heat-back", x: left, y: top, width: width - left - right, height: rows * cell }));
  for (let row = 0; row < rows; row++) {
    drawing.append(s("text", { x: left - 6, y: y(row) + cell - 3, "text-anchor": "end" }, name(bounds, row)),
      s("line", { class: "gridline", x1: left, x2: width - right, y1: y(row), y2: y(row) }));
  }
  counts.forEach((column, index) => column.forEach((value, row) => {
    if (value === 0) return;
    const age = (columns - 1 - index) * step / 60;
    drawing.append(s("rect", { x: (left + index * wide).toFixed(1), y: y(row) + 1, width: Math.max(1, wide - 0.8).toFixed(1), height: cell - 1,
      fill: row === rows - 1 ? "var(--series-2)" : "var(--series-1)", "fill-opacity": shade(value, peak) },
    s("title", {}, `${count(value)} ${name(bounds, row)}, ${age === 0 ? "this minute" : `${age} min ago`}`)));
  }));
  for (let part = 0; part <= 4; part++) {
    const age = Math.round(columns * step / 60 * (1 - part / 4));
    drawing.append(s("text", { x: left + (width - left - right) * part / 4, y: top + rows * cell + 14,
      "text-anchor": part === 0 ? "start" : part === 4 ? "end" : "middle" }, age === 0 ? "now" : `−${age} min`));
  }
  return h("figure", { class: "figure" }, drawing,
    h("figcaption", { class: "legend" }, h("span", {}, "Calls a minute: ",
      [1, Math.max(1, Math.round(Math.sqrt(peak))), peak].filter((value, index, list) => list.indexOf(value) === index).map((value) => [
        s("svg", { width: 14, height: 14, "aria-hidden": true }, s("rect", { width: 14, height: 14, fill: "var(--series-1)", "fill-opacity": shade(value, peak) })), ` ${count(value)} `])),
    h("span", {}, s("svg", { width: 14, height: 14, "aria-hidden": true }, s("rect", { width: 14, height: 14, fill: "var(--series-2)" })), " failed")),
    numbers(of, title, counts, bounds, step, open));
}

/// The same as text, in four columns, the newest first.
function numbers(of, title, counts, bounds, step, open) {
  const parts = 4, size = Math.ceil(counts.length / parts), newest = [...counts].reverse();
  const rows = Array.from({ length: bounds.length + 2 }, (_, row) => row).reverse();
  const columns = Array.from({ length: parts }, (_, part) => {
    const group = newest.slice(part * size, (part + 1) * size), begin = Math.round(part * size * step / 60), end = Math.round((part + 1) * size * step / 60);
    return [part === 0 ? `last ${end} min` : `${begin}–${end} min ago`, (row) => count(group.reduce((sum, column) => sum + column[row], 0)), true];
  });
  return h("details", { open: open.has(of), ontoggle: (event) => event.target.open ? open.add(of) : open.delete(of) },
    h("summary", {}, "Numbers"), table([["Took", (row) => name(bounds, row)], ...columns], rows, { caption: title }));
}
