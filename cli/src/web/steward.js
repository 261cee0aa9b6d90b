// Live updates, and steps that go on by themselves. Without it the pages are the same, and stand still.
"use strict";

const main = document.querySelector("main[data-stream]");
const badge = document.querySelector(".live");
const trouble = document.getElementById("trouble");

// Says whether what is shown is so now, and if not, why.
function tell(why) {
  badge.hidden = Boolean(why);
  trouble.hidden = !why;
  trouble.textContent = why ? `${why} What is shown here is as it was before.` : "";
}

// What somebody is using or reading stays as it is.
function isInUse(part) {
  const selection = getSelection();
  return (
    part.contains(document.activeElement) ||
    part.querySelector("details[open], input:checked") ||
    (!selection.isCollapsed && part.contains(selection.anchorNode))
  );
}

function replace(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const part of main.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next && !isInUse(part)) part.replaceWith(next);
  }
}

// The box above the others ticks them all.
addEventListener("change", ({ target }) => {
  if (!target.matches("input.all")) return;
  for (const box of target.closest("table").querySelectorAll("input[name=id]")) box.checked = target.checked;
});

let source;
let later;

function follow() {
  source = new EventSource(main.dataset.stream);
  source.addEventListener("page", (event) => {
    tell("");
    replace(JSON.parse(event.data));
  });
  source.addEventListener("trouble", (event) => tell(JSON.parse(event.data).trim().replace(/\.?$/, ".")));
  source.onerror = () => {
    if (trouble.hidden) tell("This page cannot follow the server, and tries again.");
    // The browser tries again by itself unless it was refused, as when too many pages are open.
    if (source.readyState === EventSource.CLOSED) later = setTimeout(follow, 30_000);
  };
}

if (main && main.querySelector("[data-live]")) {
  // Nobody looks at a page in the background.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(later);
    if (document.hidden) {
      source?.close();
      badge.hidden = true;
    } else {
      follow();
    }
  });
  addEventListener("pagehide", () => source?.close());
  if (!document.hidden) follow();
}

document.querySelector("form[data-next]")?.requestSubmit();
