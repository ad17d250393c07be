"use strict";
/* Everything put together. */

function showMeans() {
  for (const canvas of document.querySelectorAll("canvas[data-mean]")) {
    const { size, values } = data.means[canvas.dataset.mean];
    drawMap(canvas, values.slice(canvas.dataset.side * size * size, (Number(canvas.dataset.side) + 1) * size * size), size);
  }
}

/* Light or dark as the system has it, or as the reader wants it. */
function offerThemes(redraw) {
  const button = byId("theme");
  const themes = ["system", "light", "dark"];
  let chosen = "system";
  const apply = (theme) => {
    chosen = theme;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
    redraw();
  };
  button.hidden = false;
  button.addEventListener("click", () => apply(themes[(themes.indexOf(chosen) + 1) % themes.length]));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  apply(chosen);
}

function bindKeys(player, list) {
  byId("viewer").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const onButton = event.target.closest("button, summary, a");
    if (event.key === " " && !onButton) player.toggle();
    else if (event.key === "n") list.moveBy(1);
    else if (event.key === "p") list.moveBy(-1);
    else if (event.key === "/") byId("search").focus();
    else return;
    event.preventDefault();
  });
}

if (!byId("viewer")) {
  offerThemes(showMeans); // a page without clips
} else if (typeof DecompressionStream === "undefined") {
  byId("too-old").hidden = false;
  offerThemes(showMeans);
} else {
  byId("viewer").hidden = false;
  window.player = new Player();
  window.list = new ClipList((clip) => player.show(clip));
  bindKeys(player, list);
  offerThemes(() => {
    showMeans();
    if (player.clip) player.draw();
  });
}
