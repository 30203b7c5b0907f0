// Keeps a page up to date: what the server would show now replaces what it showed before, and nothing else is touched.
//
// The page is fetched again, at most once a second, when an event of its campaign says that something happened
// (`data-events` of the body), or after so many seconds (`data-every`); never while nobody looks at the tab. What the server
// sent last is kept as a tree of its own: only what differs from it is changed in the document, so that whatever the reader
// did stays: what is open, filtered and ordered, what was typed, the focus, the selection and where the page is scrolled to.

/** Milliseconds between two requests, at least. */
const PACE = 1000;
/** A page that took long to fetch is fetched less often: so many times as long passes before the next request. */
const REST = 5;
/** Parts of the page that are kept up to date. */
const PARTS = ["nav", "main"];

/** The elements of the document that stand for those which the server sent. */
const shown = new WeakMap();

/** What stays the same however often the page is fetched: the key of an element among its siblings. */
function keys(parent) {
  const counts = new Map();
  return [...parent.childNodes].map((node) => {
    const name = node.dataset?.name || node.id || (node.localName === "tr" && node.cells[0]?.textContent) || "";
    const key = `${node.nodeName} ${name}`;
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    return `${key} ${count}`;
  });
}

/** Takes note that `live` shows what the server sent as `sent`, with all that is in it. */
function pair(sent, live) {
  shown.set(sent, live);
  sent.childNodes.forEach((child, index) => pair(child, live.childNodes[index]));
}

function made(sent) {
  const live = document.importNode(sent, true);
  pair(sent, live);
  return live;
}

/** Shows `next` where `was` is shown. */
function patch(was, next) {
  const live = shown.get(was);
  if (was.isEqualNode(next)) {
    carry(was, next);
  } else if (was.nodeName !== next.nodeName) {
    live.replaceWith(made(next));
  } else if (next.nodeType !== Node.ELEMENT_NODE) {
    live.data = next.data;
    shown.set(next, live);
  } else {
    patchAttributes(was, next, live);
    // The script of charts reads a drawing once, and adds what the server does not know.
    if (next.matches(".over-time > svg")) {
      live.replaceChildren(...[...next.childNodes].map((child) => document.importNode(child, true)));
      shown.set(next, live);
    } else {
      patchChildren(was, next, live);
      shown.set(next, live);
    }
  }
}

/** What is shown of `was` stands for `next` from now on. */
function carry(was, next) {
  const live = shown.get(was);
  if (live) shown.set(next, live);
  was.childNodes.forEach((child, index) => carry(child, next.childNodes[index]));
}

function patchAttributes(was, next, live) {
  for (const { name, value } of next.attributes) {
    if (was.getAttribute(name) !== value) live.setAttribute(name, value);
  }
  for (const { name } of was.attributes) {
    if (!next.hasAttribute(name)) live.removeAttribute(name);
  }
}

function patchChildren(was, next, live) {
  const before = new Map();
  const known = keys(was);
  was.childNodes.forEach((child, index) => before.set(known[index], child));
  const wanted = keys(next);
  const order = [];
  next.childNodes.forEach((child, index) => {
    const old = before.get(wanted[index]);
    before.delete(wanted[index]);
    if (old && shown.get(old)) patch(old, child);
    else made(child);
    order.push(shown.get(child));
  });
  for (const gone of before.values()) shown.get(gone)?.remove();
  // Whoever ordered these by failures keeps that order; what is new comes last.
  const isOrdered = live.matches("[data-ordered]");
  let last = null;
  for (const child of order) {
    if (child.parentNode !== live || (!isOrdered && child.previousSibling !== last && !follows(child, last))) {
      if (isOrdered) live.append(child);
      else live.insertBefore(child, last ? last.nextSibling : live.firstChild);
    }
    last = child;
  }
}

/** Whether a child comes after another one, with nothing but additions of scripts between them. */
function follows(child, last) {
  return last === null || Boolean(last.compareDocumentPosition(child) & Node.DOCUMENT_POSITION_FOLLOWING);
}

/** What the server sent last. */
let sent = new Map();
for (const part of PARTS) {
  const live = document.querySelector(`body > ${part}`);
  if (!live) continue;
  const copy = live.cloneNode(true);
  pair(copy, live);
  sent.set(part, copy);
}

/** Whether the pointer selects in a chart: it must not be replaced below the pointer. */
let isDragging = false;
addEventListener("pointerdown", (event) => (isDragging = Boolean(event.target.closest?.(".over-time > svg"))));
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (isDragging = false));

/** Shows what the server sent. */
function show(fetched) {
  document.title = fetched.title;
  for (const part of PARTS) {
    const next = fetched.querySelector(`body > ${part}`);
    const was = sent.get(part);
    if (was && next) {
      patch(was, next);
      sent.set(part, next);
    }
  }
  for (const name of ["data-events", "data-every"]) {
    const value = fetched.body.getAttribute(name);
    if (value === null) document.body.removeAttribute(name);
    else document.body.setAttribute(name, value);
  }
  document.dispatchEvent(new CustomEvent("qalipsis:update"));
}

let isFetching = false;
let isWanted = false;
let isFailing = false;
let next = 0;
let timer = null;

/** Fetches the page soon: many wishes are one request. */
function want() {
  isWanted = true;
  if (isFetching || timer !== null || document.hidden) return;
  timer = setTimeout(fetchNow, Math.max(0, next - performance.now()));
}

/** What says that the figures are old, while the head does not answer. */
let lost = null;
function say() {
  if (lost) return;
  lost = document.createElement("p");
  lost.id = "lost";
  lost.setAttribute("role", "status");
  const now = new Date().toLocaleTimeString();
  lost.textContent = `The head has not answered since ${now}: what is shown is of then.`;
  document.querySelector("main").before(lost);
}

async function fetchNow() {
  timer = null;
  if (document.hidden) return;
  if (isDragging) {
    timer = setTimeout(fetchNow, 100);
    return;
  }
  [isFetching, isWanted] = [true, false];
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
    if (answer.status >= 500) throw new Error(answer.statusText);
    // Logged out, or removed: the browser shows why.
    if (answer.redirected || !answer.ok) return location.reload();
    const fetched = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (isDragging) isWanted = true;
    else show(fetched);
    isFailing = false;
    lost?.remove();
    lost = null;
  } catch {
    // The head has gone. It is asked again, less often.
    [isWanted, isFailing] = [true, true];
    say();
  } finally {
    isFetching = false;
    const took = performance.now() - began;
    next = began + Math.max(PACE, took * REST, isFailing ? 5 * PACE : 0);
    listen();
    if (isWanted) want();
  }
}

/** The events of the campaign, while it runs and somebody looks. */
let events = null;
let poll = null;
function listen() {
  const { events: path, every } = document.body.dataset;
  if (document.hidden || !path) {
    events?.close();
    events = null;
  } else if (!events) {
    events = new EventSource(path);
    const names = ["planned", "factory-ready", "factory-lost", "phase", "started", "second", "marker", "evidence", "notice", "breach", "gap"];
    for (const name of names) events.addEventListener(name, want);
    events.addEventListener("ended", () => {
      events?.close();
      want();
    });
    // A stream that the server has ended is not opened again by the browser. One that breaks may mean that the head has gone.
    events.addEventListener("error", () => {
      want();
      if (events?.readyState === EventSource.CLOSED) {
        events = null;
      }
    });
  }
  clearTimeout(poll);
  if (every && !document.hidden) poll = setTimeout(want, Number(every) * 1000);
}

document.addEventListener("visibilitychange", () => {
  listen();
  if (!document.hidden && (document.body.dataset.events || document.body.dataset.every)) want();
});

// A window that was selected in a chart is one that the server is asked for.
document.addEventListener("qalipsis:window", ({ detail }) => {
  const form = document.querySelector("[data-window]");
  if (!form) return;
  const text = (seconds) => (detail ? String(Math.round(seconds * 1000) / 1000) : "");
  const [from, to] = [text(detail?.from), text(detail?.to)];
  form.elements.from.value = from;
  form.elements.to.value = to;
  const address = new URL(location.href);
  address.search = detail ? new URLSearchParams({ from, to }).toString() : "";
  history.replaceState(null, "", address);
  next = 0;
  want();
});

if (document.body.dataset.events || document.body.dataset.every) listen();
