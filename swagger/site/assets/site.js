// Both pages: the notice about plain HTTP, and what openapi.json says about this stage. The front page's list of pipelines is
// made of that document alone. Text goes in as text, never as markup.
"use strict";

const byData = (name) => document.querySelectorAll(`[data-${name}]`);
const announce = (text) => byData("announce").forEach((place) => (place.textContent = text));

// Shared with reference.js, so that the document is fetched once.
window.slipwayDocument = fetch("openapi.json", { cache: "no-cache" }).then((answer) => {
  if (!answer.ok) throw new Error(`openapi.json: HTTP ${answer.status}`);
  return answer.json();
});

function warnAboutPlainHttp() {
  if (location.protocol !== "http:") return;
  // Loopback is plain HTTP, too, but nobody is on the way.
  const text = window.isSecureContext
    ? "On this machine that does no harm. A stage that others use should be served over HTTPS."
    : "Whoever is between you and it can read and change what it shows, and read what you type into it, a key included. " +
      "Use a key that may get lost, or ask for an address with HTTPS.";
  byData("plain-http-text").forEach((place) => (place.textContent = text));
  byData("plain-http").forEach((place) => (place.hidden = false));
}

function showStage(spec) {
  const environment = spec.info["x-environment"];
  byData("environment").forEach((place) => {
    place.textContent = environment || "";
    place.hidden = !environment;
  });
  byData("local").forEach((place) => (place.hidden = environment !== "local"));
  byData("version").forEach((place) => (place.textContent = spec.info.version));
}

function showProblem(error) {
  byData("pipelines").forEach((place) => place.removeAttribute("aria-busy"));
  byData("problem").forEach((place) => {
    place.textContent = `The description of this API could not be read (${error.message}). Reload the page; if that does not help, tell the operator.`;
    place.hidden = false;
  });
}

function copyOnClick(button, text) {
  let reset;
  button.addEventListener("click", async () => {
    let done = true;
    try {
      // Not there over plain HTTP; then the text is selected instead.
      await navigator.clipboard.writeText(text);
    } catch {
      done = false;
      getSelection().selectAllChildren(button.closest("figure, .address").querySelector("code"));
    }
    button.textContent = done ? "Copied" : "Selected";
    announce(done ? "Copied" : "Selected: press the keys that copy");
    clearTimeout(reset);
    reset = setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}

const resolve = (spec, node) => (node && node.$ref ? node.$ref.slice(2).split("/").reduce((at, key) => at[key], spec) : node);

/** Name, first operation, schema and sample input of each pipeline, in the document's order. */
function pipelinesOf(spec) {
  return Object.entries(spec.paths)
    .filter(([path, item]) => path.endsWith("/jobs") && item.post)
    .map(([path, item]) => {
      const content = item.post.requestBody.content["application/json"];
      const sample = resolve(spec, Object.values(content.examples || {})[0]);
      return {
        name: item.post.tags[0],
        path,
        operationId: item.post.operationId,
        schema: resolve(spec, content.schema),
        sample: sample && sample.value,
      };
    });
}

function typeOf(schema) {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const [low, high] = [schema.minimum, schema.maximum];
  const range = low !== undefined && high !== undefined ? ` ${low}–${high}` : "";
  return `${schema.type || "any"}${range}`;
}

function parameterRows(schema, prefix = "") {
  const required = schema.required || [];
  return Object.entries(schema.properties || {}).flatMap(([name, property]) => [
    {
      name: prefix + name,
      required: required.includes(name),
      type: typeOf(property),
      meaning: [property.description, property.default === undefined ? "" : `Default: ${JSON.stringify(property.default)}.`]
        .filter(Boolean)
        .join(" "),
    },
    ...(property.type === "object" ? parameterRows(property, `${prefix}${name}.`) : []),
  ]);
}

/** Plain text in which `code` becomes a code element. */
function appendText(place, text) {
  text.split("`").forEach((part, index) => {
    const node = index % 2 ? document.createElement("code") : document.createTextNode(part);
    if (index % 2) node.textContent = part;
    place.append(node);
  });
}

const shellQuoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function command(server, pipeline) {
  return [
    `curl ${shellQuoted(server + pipeline.path)} \\`,
    `  -H "x-api-key: $SLIPWAY_KEY" \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d ${shellQuoted(JSON.stringify(pipeline.sample ?? {}, null, 2))}`,
  ].join("\n");
}

function card(server, pipeline, open) {
  const node = document.getElementById("pipeline-card").content.cloneNode(true);
  const part = (name) => node.querySelector(`[data-part=${name}]`);
  const { schema } = pipeline;
  const title = schema.title || pipeline.name;
  const heading = node.querySelector("h3");
  heading.textContent = title;
  heading.id = `pipeline-${pipeline.name}`;
  node.querySelector("article").setAttribute("aria-labelledby", heading.id);
  if (title !== pipeline.name) {
    const name = document.createElement("code");
    name.textContent = pipeline.name;
    heading.append(" ", name);
  }
  appendText(part("description"), schema.description || "");
  node.querySelector(".table-scroll").setAttribute("aria-label", `Parameters of ${title}`);
  for (const row of parameterRows(schema)) {
    const tr = node.querySelector("tbody").insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    const code = document.createElement("code");
    code.textContent = row.name;
    name.append(code);
    if (row.required) {
      const mark = document.createElement("span");
      mark.className = "required";
      mark.textContent = "required";
      name.append(" ", mark);
    }
    tr.append(name);
    tr.insertCell().textContent = row.type;
    appendText(tr.insertCell(), row.meaning);
  }
  const text = command(server, pipeline);
  node.querySelector("pre code").textContent = text;
  node.querySelector("pre").setAttribute("aria-label", `Command that starts ${title}`);
  copyOnClick(node.querySelector(".copy"), text);
  node.querySelector("details").open = open;
  part("try").href = `reference.html#/${encodeURIComponent(pipeline.name)}/${encodeURIComponent(pipeline.operationId)}`;
  part("try").setAttribute("aria-label", `Try ${title}`);
  return node;
}

function showFrontPage(spec) {
  const server = new URL(spec.servers[0].url, location.href).href.replace(/\/$/, "");
  byData("server-url").forEach((place) => (place.textContent = server));
  byData("server").forEach((place) => (place.hidden = false));
  document.querySelectorAll("[data-copies=server]").forEach((button) => copyOnClick(button, server));
  byData("pipelines").forEach((place) => {
    const pipelines = pipelinesOf(spec);
    // A long list is for choosing: one click shows the rest.
    place.replaceChildren(...pipelines.map((pipeline) => card(server, pipeline, pipelines.length <= 2)));
    place.classList.toggle("many", pipelines.length > 2);
    place.removeAttribute("aria-busy");
  });
}

// By hand, because Swagger UI takes each change of the fragment for an operation to open.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  const target = document.querySelector(event.currentTarget.hash);
  target.focus();
  target.scrollIntoView();
});

warnAboutPlainHttp();
window.slipwayDocument
  .then((spec) => {
    showStage(spec);
    if (document.body.dataset.page === "front") showFrontPage(spec);
  })
  .catch(showProblem);
