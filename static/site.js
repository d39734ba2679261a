// Shows a message when a form could not be sent: htmx itself would leave the visitor waiting.
const unreachable = document.getElementById("unreachable");
document.addEventListener("htmx:sendError", () => { unreachable.hidden = false; });
document.addEventListener("htmx:beforeRequest", () => { unreachable.hidden = true; });
