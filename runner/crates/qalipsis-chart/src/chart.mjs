// What a page with charts is better with, and complete without: the values of all lines at an instant, the selection of a
// window of time, and a filter and an order for what is named.
//
// The data is the drawing: a chart over time is a `figure.over-time` whose `svg.plot` has a viewBox in seconds and values, so
// that its paths are read as numbers, and a window is another viewBox.
//
// A selected or cleared window is announced on the document as `qalipsis:window`, with `{from, to}` in seconds or null as
// its detail. A page that replaced charts dispatches `qalipsis:update`, and the window is applied to the new ones.

const SVG = "http://www.w3.org/2000/svg";
/** Width of all charts in units of their own, and the edge around their drawing. */
const WIDTH = 640;
const EDGE = 3;
/** A shorter movement is no selection. */
const SHORTEST = 6;

/** The window that all charts show; null for all of the time. */
let shown = null;
/** Where a selection began: with the pointer, and with the keyboard. */
let drag = null;
let anchor = null;
/** The instant that is marked in all charts, and how that was asked for. */
let instant = null;
let asked = null;

const values = document.createElement("div");
values.className = "values";
values.setAttribute("role", "status");
values.hidden = true;

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const plots = () => all(".over-time > svg > .plot");
const plotOf = (target) => target.closest?.(".over-time > svg")?.querySelector(".plot");
const number = (element, name) => Number(element.getAttribute(name));

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/** The lines of a chart as they were measured, read from its drawing once. */
const read = new WeakMap();
function chartOf(plot) {
  if (!read.has(plot)) {
    const [, top, , height] = plot.getAttribute("viewBox").split(" ").map(Number);
    const keys = all("figcaption .key", plot.closest("figure"));
    const lines = all("path.line", plot).map((path, index) => {
      const numbers = path.getAttribute("d").replaceAll("h0", "").match(/-?\d*\.?\d+/g).map(Number);
      const points = [];
      for (let i = 0; i < numbers.length; i += 2) points.push([numbers[i], -numbers[i + 1]]);
      return { name: keys[index].textContent, class: keys[index].className, points };
    });
    const instants = [...new Set(lines.flatMap((line) => line.points.map(([at]) => at)))].sort((a, b) => a - b);
    read.set(plot, { top, height, lines, instants, end: Number(plot.dataset.end) });
  }
  return read.get(plot);
}

/** A duration as the report writes it. */
function duration(ns) {
  const seconds = Math.round(ns / 1e9);
  const two = (part) => String(part).padStart(2, "0");
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
  if (ns >= 99.5e9) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const [size, unit] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]].find(([size]) => ns >= size) ?? [1, "ns"];
  return `${Number((ns / size).toPrecision(3))} ${unit}`;
}

/** The time since the start of the load. */
function clock(seconds) {
  const part = Number((seconds % 60).toFixed(1));
  return seconds < 60 ? `${part} s` : `${Math.floor(seconds / 60)} min ${part} s`;
}

function valueOf(plot, value) {
  if (plot.dataset.ns) return duration(value * Number(plot.dataset.ns));
  return `${value.toLocaleString("en", { maximumSignificantDigits: 4 })}${plot.dataset.unit ?? ""}`;
}

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];
const STEPS = [
  ...[4, 3, 2, 1, 0].flatMap((exponent) => [5, 2, 1].map((digit) => digit * 10 ** exponent * 86400)),
  ...[12, 6, 3, 2, 1].map((hours) => hours * 3600),
  ...[30, 15, 10, 5, 2, 1].map((minutes) => minutes * 60),
  ...[30, 15, 10],
  ...[0, -1, -2, -3, -4, -5, -6, -7, -8, -9].flatMap((exponent) => [5, 2, 1].map((digit) => digit * 10 ** exponent)),
];

/** Where an axis of time has labels, in seconds: the rule is that of the charts as they were drawn. */
function ticks(low, high) {
  let chosen = [];
  for (const step of STEPS) {
    // Sums of binary fractions are off by less than this.
    const [first, last] = [Math.ceil(low / step - 1e-6), Math.floor(high / step + 1e-6)];
    const level = [];
    for (let count = first; count <= last && level.length < 9; count += 1) level.push([count * step, step]);
    if (level.length < 4) chosen = level;
    else if (level.length <= 6 || (level.length <= 8 && chosen.length < 3)) chosen = level;
    if (level.length >= 4) break;
  }
  const longest = chosen.at(-1)?.[0] ?? 0;
  const fits = ([unit], step) => (unit > 1 ? Math.abs(step / unit - Math.round(step / unit)) < 1e-9 && step >= unit : longest >= unit);
  const [unit, name] = UNITS.find((one) => fits(one, chosen[0]?.[1] ?? 1)) ?? [1, "s"];
  return chosen.map(([at], index) => {
    const label = Number((at / unit).toPrecision(12)).toLocaleString("en", { maximumFractionDigits: 9, useGrouping: "min2" });
    return [at, index === chosen.length - 1 ? `${label} ${name}` : label];
  });
}

/** Where a second is on a chart, in units of the chart. */
function place(plot) {
  const [left, , width] = plot.getAttribute("viewBox").split(" ").map(Number);
  const [x, wide] = [number(plot, "x"), number(plot, "width")];
  return { x: (at) => x + ((at - left) / width) * wide, at: (px) => left + ((px - x) / wide) * width, left: x, right: x + wide };
}

/** Shows the window in all charts. */
function apply() {
  for (const plot of plots()) {
    const { top, height, end } = chartOf(plot);
    const [from, to] = shown ?? [0, end];
    const edge = ((to - from) / (number(plot, "width") - 2 * EDGE)) * EDGE;
    plot.setAttribute("viewBox", [from - edge, top, to - from + 2 * edge, height].join(" "));
    const { x } = place(plot);
    const labels = plot.parentElement.querySelector(".times");
    const y = labels.querySelector("text")?.getAttribute("y") ?? 165;
    labels.replaceChildren(...ticks(from, to).map(([at, label]) => {
      const isLast = x(at) + label.length * 5 > WIDTH;
      return element("text", { x: isLast ? WIDTH : x(at), y, "text-anchor": isLast ? "end" : "middle" }, label);
    }));
    for (const marker of all("text.marker", plot.parentElement)) {
      const at = Number(marker.dataset.at);
      marker.setAttribute("x", x(at) + 3);
      marker.toggleAttribute("hidden", at < from || at > to);
    }
  }
  clear.hidden = shown === null;
}

/** Selects a window in seconds, or all of the time. */
function select(window) {
  shown = window;
  hide();
  apply();
  const detail = window && { from: window[0], to: window[1] };
  document.dispatchEvent(new CustomEvent("qalipsis:window", { detail }));
}

/** Marks an instant, or what was selected so far, in all charts. */
function mark(from, to) {
  for (const plot of plots()) {
    const { top, height } = chartOf(plot);
    for (const old of all(".cursor, .selected", plot)) old.remove();
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    if (high > low) plot.append(element("rect", { class: "selected", x: low, y: top, width: high - low, height }));
    plot.append(element("line", { class: "cursor", x1: to, x2: to, y1: top, y2: top + height }));
  }
}

/** Removes what marks an instant. */
function hide() {
  for (const old of all(".over-time .cursor, .over-time .selected")) old.remove();
  values.hidden = true;
  [instant, anchor, asked] = [null, null, null];
}

/** Shows the values of all lines at the instant of a chart that is nearest to `wanted`. */
function show(plot, wanted, from = null) {
  const { lines, instants } = chartOf(plot);
  asked = { chart: plot.parentElement, wanted, from };
  const nearest = (list, at) => list.reduce((best, one) => (Math.abs(one - at) < Math.abs(best - at) ? one : best));
  instant = nearest(instants, wanted);
  mark(from ?? instant, from === null ? instant : wanted);
  const rows = lines.map((line) => {
    const point = line.points.find(([at]) => at === instant);
    const row = document.createElement("div");
    const key = document.createElement("span");
    [key.className, key.textContent] = [line.class, line.name];
    row.append(key, ` ${point ? valueOf(plot, point[1]) : "–"}`);
    return row;
  });
  const title = document.createElement("div");
  title.textContent = from === null ? `at ${clock(instant)}` : `${clock(Math.min(from, wanted))} to ${clock(Math.max(from, wanted))}`;
  values.replaceChildren(title, ...rows);
  values.hidden = false;
  const chart = plot.parentElement.getBoundingClientRect();
  const x = chart.left + (place(plot).x(instant) / WIDTH) * chart.width;
  const box = values.getBoundingClientRect();
  const left = x + 12 + box.width < document.documentElement.clientWidth ? x + 12 : x - 12 - box.width;
  values.style.left = `${Math.max(4, left)}px`;
  values.style.top = `${Math.min(Math.max(4, chart.top + 8), innerHeight - box.height - 4)}px`;
}

/** The second below a pointer, inside of the window. */
function secondAt(plot, event) {
  const chart = plot.parentElement.getBoundingClientRect();
  const at = place(plot).at(((event.clientX - chart.left) / chart.width) * WIDTH);
  const [from, to] = shown ?? [0, chartOf(plot).end];
  return Math.min(Math.max(at, from), to);
}

document.addEventListener("pointerdown", (event) => {
  const plot = plotOf(event.target);
  if (!plot || event.button !== 0) return;
  drag = { plot, x: event.clientX, at: secondAt(plot, event) };
  plot.parentElement.setPointerCapture(event.pointerId);
});
document.addEventListener("pointermove", (event) => {
  const plot = drag?.plot ?? plotOf(event.target);
  if (!plot) return values.hidden || document.activeElement?.matches(".over-time > svg") || hide();
  const isSelecting = drag && Math.abs(event.clientX - drag.x) >= SHORTEST;
  show(plot, secondAt(plot, event), isSelecting ? drag.at : null);
});
document.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const { plot, x, at } = drag;
  drag = null;
  const to = secondAt(plot, event);
  if (Math.abs(event.clientX - x) >= SHORTEST && at !== to) select([Math.min(at, to), Math.max(at, to)]);
});
document.addEventListener("pointercancel", () => {
  drag = null;
  hide();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const isMarked = drag || anchor !== null;
    drag = null;
    if (isMarked || !shown) hide();
    else select(null);
    return;
  }
  const plot = event.target.matches?.(".over-time > svg") && plotOf(event.target);
  if (!plot) return;
  const [from, to] = shown ?? [0, Infinity];
  const instants = chartOf(plot).instants.filter((at) => at >= from && at <= to);
  const index = instants.indexOf(instant);
  const next = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: instants.length - 1 }[event.key];
  if (next !== undefined && instants.length > 0) {
    event.preventDefault();
    if (!event.shiftKey) anchor = null;
    else anchor ??= instant;
    show(plot, instants[Math.min(Math.max(next, 0), instants.length - 1)], anchor);
  } else if (event.key === "Enter" && anchor !== null && anchor !== instant) {
    select([Math.min(anchor, instant), Math.max(anchor, instant)]);
  }
});
document.addEventListener("focusin", (event) => {
  const plot = event.target.matches?.(".over-time > svg:focus-visible") && plotOf(event.target);
  if (plot) show(plot, shown?.[0] ?? 0);
});
document.addEventListener("focusout", (event) => {
  if (plotOf(event.target)) hide();
});

function button(text, title, act) {
  const made = document.createElement("button");
  [made.type, made.textContent, made.title] = ["button", text, title];
  made.addEventListener("click", act);
  return made;
}

const clear = button("All of the time", "Show all of the time again (Escape)", () => select(null));
clear.className = "clear";

/** What can be filtered: its name is an attribute, or the first cell of its row. */
const nameOf = (one) => (one.dataset.name ?? one.cells?.[0].textContent ?? "").toLowerCase();
const named = () => all("[data-name], [data-ordered] > tr");

function filter(text) {
  const wanted = text.trim().toLowerCase();
  for (const one of named()) one.hidden = !nameOf(one).includes(wanted);
}

/** Puts what failed first, or back into the order of the scenario. */
const places = new WeakMap();
function order(byFailure) {
  for (const parent of all("[data-ordered]")) {
    const children = [...parent.children];
    children.forEach((child, index) => places.has(child) || places.set(child, index));
    const rank = (child) => (byFailure && !child.matches(".bad") ? 1e6 : 0) + places.get(child);
    parent.append(...children.sort((a, b) => rank(a) - rank(b)));
  }
}

/** The controls of a page that has room for them. */
function equip(tools) {
  const search = document.createElement("input");
  [search.type, search.placeholder] = ["search", "Filter by name"];
  search.setAttribute("aria-label", "Filter steps and failures by name");
  search.addEventListener("input", () => filter(search.value));
  const first = button("Failed first", "Order steps by what failed", () => {
    const isOn = first.getAttribute("aria-pressed") !== "true";
    first.setAttribute("aria-pressed", isOn);
    order(isOn);
  });
  first.setAttribute("aria-pressed", "false");
  const open = (isOpen) => () => all("details[data-name]").forEach((one) => (one.open = isOpen));
  const close = button("Collapse", "Close all failures and charts", open(false));
  tools.replaceChildren(search, first, close, button("Expand", "Open all failures and charts", open(true)), clear);
}

/** What charts need that were added or replaced. */
function update() {
  for (const plot of plots()) plot.parentElement.setAttribute("tabindex", "0");
  if (shown) apply();
  const search = document.querySelector("[data-tools] input");
  if (search?.value) filter(search.value);
  const plot = asked?.chart.isConnected && asked.chart.querySelector(".plot");
  if (plot) show(plot, asked.wanted, asked.from);
}

document.addEventListener("qalipsis:update", update);
document.body.append(values);
clear.hidden = true;
all("[data-tools]").slice(0, 1).forEach(equip);
update();
