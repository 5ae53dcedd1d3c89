// Swagger UI on openapi.json, and what it lacks for people who use the keyboard or listen to the page.
"use strict";

const place = document.getElementById("swagger-ui");

/** The chapters of the introduction folded, so that the operations are in sight. */
function folded(description) {
  const [introduction, ...chapters] = description.split(/^### /m);
  const folds = chapters.map((chapter) => {
    const end = chapter.indexOf("\n");
    return `<details><summary>${chapter.slice(0, end)}</summary>\n\n${chapter.slice(end + 1)}\n\n</details>\n\n`;
  });
  return introduction + folds.join("");
}

/** Write the id of a job that was just started into the fields that ask for one. */
function rememberJob(ui, spec, response) {
  if (response.status !== 202 || !response.ok) return response;
  const { jobId, pipeline } = response.body || JSON.parse(response.text);
  for (const [path, item] of Object.entries(spec.paths)) {
    if (!path.startsWith(`/${pipeline}/`) || !path.includes("{jobId}")) continue;
    for (const method of ["get", "delete"]) {
      if (item[method]) ui.specActions.changeParam([path, method], "jobId", "path", jobId, false);
    }
  }
  return response;
}

/**
 * A link to an operation jumps there, as a link within a page does. Swagger UI glides for a second: a button that somebody
 * presses meanwhile moves away under the pointer, and the operation ends behind the bar at the top.
 */
const jumpToOperation = {
  statePlugins: {
    layout: { wrapActions: { scrollToElement: () => (element) => element.scrollIntoView({ behavior: "instant" }) } },
  },
};

function start(spec) {
  const pipelines = spec.tags.length;
  const ui = SwaggerUIBundle({
    spec: { ...spec, info: { ...spec.info, description: folded(spec.info.description) } },
    responseInterceptor: (response) => rememberJob(ui, spec, response),
    domNode: place,
    deepLinking: true,
    plugins: [() => jumpToOperation],
    tryItOutEnabled: true,
    displayRequestDuration: true,
    filter: pipelines > 1,
    docExpansion: pipelines > 3 ? "none" : "list",
    defaultModelsExpandDepth: -1,
    defaultModelExpandDepth: 4,
    // A key in the browser's storage would outlive the visit, readable by every page of this origin.
    persistAuthorization: false,
    // Else the page would send the document's address to another host.
    validatorUrl: null,
    onComplete: () => {
      place.removeAttribute("aria-busy");
      mend();
      new MutationObserver(mend).observe(place, { childList: true, subtree: true });
    },
  });
}

// Swagger UI focuses the dialog's field before anybody can ask what had the focus.
let lastFocused = null;
place.addEventListener("focusin", ({ target }) => {
  if (!target.closest(".dialog-ux")) lastFocused = target;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") place.querySelector(".dialog-ux .close-modal")?.click();
});

/** Names for fields that have none, a dialog that says that it is one, long explanations folded. */
function mend() {
  for (const row of place.querySelectorAll("tr[data-param-name]")) {
    row.querySelectorAll("input, select, textarea").forEach((field) => field.setAttribute("aria-label", row.dataset.paramName));
  }
  place.querySelectorAll("textarea.body-param__text").forEach((field) => field.setAttribute("aria-label", "Request body"));
  place.querySelectorAll(".operation-filter-input").forEach((field) => {
    field.setAttribute("aria-label", "Filter by pipeline");
    field.placeholder = "Filter by pipeline";
  });
  place.querySelectorAll(".copy-to-clipboard button").forEach((button) => button.setAttribute("aria-label", "Copy"));
  place.querySelectorAll(".model-box-control, .model-toggle-control").forEach((button) => {
    if (!button.textContent.trim()) button.setAttribute("aria-label", "Open or fold this part of the schema");
  });
  place.querySelectorAll(".microlight, pre.example").forEach((code) => (code.tabIndex = 0));
  place.querySelectorAll(".dialog-ux .modal-ux:not([role])").forEach(mendDialog);
  // The field goes away with the key that it took, and the focus with it.
  if (document.activeElement === document.body) place.querySelector(".dialog-ux .auth-btn-wrapper button")?.focus();
}

function mendDialog(dialog) {
  dialog.setAttribute("role", "dialog");
  dialog.setAttribute("aria-modal", "true");
  dialog.setAttribute("aria-label", "Authorize");
  const opener = lastFocused;
  dialog.querySelectorAll(".close-modal").forEach((button) => button.setAttribute("aria-label", "Close"));
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Tab") keepInside(dialog, event);
  });
  new MutationObserver((_changes, observer) => {
    if (dialog.isConnected) return;
    observer.disconnect();
    if (opener && opener.isConnected) opener.focus();
  }).observe(place, { childList: true, subtree: true });
  const field = dialog.querySelector("input");
  if (field) {
    field.type = "password";
    field.autocomplete = "off";
    field.focus();
  }
}

function keepInside(dialog, event) {
  const fields = [...dialog.querySelectorAll("a[href], button, input")].filter((field) => !field.disabled);
  const [first, last] = [fields[0], fields.at(-1)];
  const leaves = event.shiftKey ? document.activeElement === first : document.activeElement === last;
  if (!leaves) return;
  event.preventDefault();
  (event.shiftKey ? last : first).focus();
}

window.slipwayDocument.then(start, () => place.replaceChildren());
