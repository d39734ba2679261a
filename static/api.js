// Tries an operation from the page of the API. The key is only in the page: no storage, no address, no cookie has it.
const page = document.querySelector(".api");

function makeRequest(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const field of form.querySelectorAll("[data-where=path], [data-where=query]")) {
    const { name, value } = field;
    if (field.dataset.where === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value) query.append(name, value);
  }
  const headers = {};
  const body = form.querySelector("[data-where=body]")?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  for (const field of form.querySelectorAll("[data-where=header]")) if (field.value) headers[field.name] = field.value;
  const key = document.getElementById("key").value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  else if (page.dataset.token) headers["X-CSRFToken"] = page.dataset.token;
  const address = query.size ? `${path}?${query}` : path;
  return [address, { method: form.dataset.method, headers, body, credentials: key ? "omit" : "same-origin" }];
}

async function writeAnswer(response) {
  const type = response.headers.get("Content-Type") || "";
  if (!/json|text/.test(type)) return `${(await response.arrayBuffer()).byteLength} bytes, ${type}`;
  const text = await response.text();
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.call");
  if (!form) return;
  event.preventDefault();
  const [button, status, got] = [form.querySelector("button"), form.querySelector(".status"), form.querySelector(".got")];
  button.disabled = true;
  status.textContent = "…";
  try {
    const [address, options] = makeRequest(form);
    const response = await fetch(address, options);
    got.firstElementChild.textContent = await writeAnswer(response);
    got.hidden = false;
    status.textContent = `${response.status} ${response.statusText}`;
  } catch (error) {
    got.hidden = true;
    status.textContent = String(error);
  }
  button.disabled = false;
});

// An address with the name of an operation opens it.
function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named?.matches("details")) named.open = true;
}
addEventListener("hashchange", openNamed);
openNamed();
