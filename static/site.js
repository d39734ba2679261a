// All of it is an addition: every page works without.
const root = document.documentElement;
root.classList.add("js");

// The theme, before anything is painted.
function readTheme() {
  try { return localStorage.getItem("theme") || ""; } catch { return ""; }
}
function showTheme(kept) {
  // The admin keeps it in the same place, and calls the system's theme "auto".
  const theme = kept === "light" || kept === "dark" ? kept : "";
  if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
  const select = document.getElementById("theme");
  if (select) select.value = theme;
}
showTheme(readTheme());
addEventListener("storage", (event) => { if (event.key === "theme") showTheme(event.newValue || ""); });
document.addEventListener("change", (event) => {
  if (event.target.id !== "theme") return;
  try { localStorage.setItem("theme", event.target.value); } catch { /* Then it is for this page alone. */ }
  showTheme(event.target.value);
});

// The list of models: it is searched, and closed by Escape and by a click elsewhere.
document.addEventListener("input", (event) => {
  const nav = event.target.closest(".switcher nav");
  if (!nav) return;
  const typed = event.target.value.trim().toLowerCase();
  for (const item of nav.querySelectorAll("li")) item.hidden = !item.textContent.toLowerCase().includes(typed);
});
function closeSwitcher(isFocused) {
  const open = document.querySelector(".switcher[open]");
  if (!open) return;
  open.open = false;
  if (isFocused) open.querySelector("summary").focus();
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeSwitcher(true); });
document.addEventListener("click", (event) => { if (!event.target.closest(".switcher")) closeSwitcher(false); });

// The form. Inputs may have any name, also that of a property of the form: they are found by selectors.
const listFields = () => [...document.querySelectorAll("form.predict [name]:not([type=hidden])")];

function fillFields(values) {
  for (const field of listFields()) {
    const value = values.get(field.getAttribute("name")) ?? "";
    if (field.type === "checkbox") field.checked = value === "true"; else field.value = value;
    markRange(field);
  }
}
function readFields() {
  return listFields().map((field) => [field.getAttribute("name"), field.type === "checkbox" ? String(field.checked) : field.value]);
}

// Examples fill the form in place; without JavaScript their links do.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.fill");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  fillFields(new URLSearchParams(link.search));
});

// Where a typed number lies in the range seen in training, which is drawn from 10 to 90 of 100.
function markRange(field) {
  const range = field.closest(".field")?.querySelector(".seen");
  if (!range) return;
  const typed = field.value.trim().replace("−", "-").replace(",", ".");
  const [low, high, value] = [Number(range.dataset.low), Number(range.dataset.high), typed === "" ? NaN : Number(typed)];
  const place = Math.min(99, Math.max(1, 10 + (80 * (value - low)) / (high - low)));
  range.querySelector(".now").setAttribute("d", Number.isNaN(place) ? "" : `M${place.toFixed(1)} 0v8`);
  range.classList.toggle("outside", value < low || value > high);
}
document.addEventListener("input", (event) => { if (event.target.closest("form.predict")) markRange(event.target); });

// Back to a form shows what was typed: a page that htmx has changed is loaded again, and would be empty. The history
// entry keeps it, since an address would end in the logs of servers.
document.addEventListener("htmx:beforeHistoryUpdate", () => {
  if (listFields().length) history.replaceState({ ...history.state, typed: readFields() }, "");
});
addEventListener("popstate", (event) => {
  if (!event.state?.typed) return;
  event.stopImmediatePropagation(); // htmx, which listens later, would empty the entry.
  location.reload();
});
document.addEventListener("DOMContentLoaded", () => {
  showTheme(readTheme());
  if (history.state?.typed) fillFields(new Map(history.state.typed));
  listFields().forEach(markRange);
});
// Browsers put back what was typed after that.
addEventListener("pageshow", () => { listFields().forEach(markRange); });
document.addEventListener("htmx:load", () => { listFields().forEach(markRange); });

// A form that could not be sent says so: htmx itself would leave the visitor waiting.
document.addEventListener("htmx:sendError", () => { document.getElementById("unreachable").hidden = false; });
document.addEventListener("htmx:beforeRequest", () => {
  document.getElementById("unreachable").hidden = true;
  document.getElementById("notice")?.replaceChildren();
});

// A slider sets the number above it; a number, which may have a decimal comma, places its slider.
function placeSliders() {
  for (const slider of document.querySelectorAll("[data-moves]")) {
    const field = document.getElementById(slider.dataset.moves);
    if (field && document.activeElement !== slider) slider.value = field.value.replace(",", ".");
  }
}
document.addEventListener("input", ({ target }) => {
  const field = target.dataset.moves && document.getElementById(target.dataset.moves);
  if (field) field.value = target.value;
  placeSliders();
});
document.addEventListener("DOMContentLoaded", placeSliders);
document.addEventListener("htmx:load", placeSliders);
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button || !navigator.clipboard) return;
  await navigator.clipboard.writeText(new URL(button.dataset.copy, location));
  button.textContent = button.dataset.done;
});

// A file that is too large is not sent; of others, it shows how much was sent.
document.addEventListener("htmx:beforeRequest", (event) => {
  const input = event.target.querySelector?.("input[data-most]");
  if (!input) return;
  const isTooLarge = input.files[0]?.size > Number(input.dataset.most);
  document.getElementById("file_size").hidden = !isTooLarge;
  if (!isTooLarge) return;
  event.preventDefault();
  input.focus();
});
document.addEventListener("htmx:xhr:progress", ({ target, detail }) => {
  const sending = target.querySelector?.(".sending");
  if (!sending || !detail.lengthComputable) return;
  sending.hidden = false;
  sending.querySelector("progress").value = (100 * detail.loaded) / detail.total;
});
// What is asked for again and again stays as it is where that fails once.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "job" && detail.xhr.status !== 200) detail.shouldSwap = false;
});
