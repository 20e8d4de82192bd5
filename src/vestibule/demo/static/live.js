// Shows the journey while it happens in another tab.
import { renderHops } from "/static/hops.js";

const list = document.querySelector("[data-live]");
const begun = document.querySelector("[data-live-wait]");
const first = (await (await fetch("/journey.json")).json()).number;
let shown = "";

setInterval(async () => {
  const response = await fetch("/journey.json").catch(() => null);
  if (!response) return;
  const journey = await response.json();
  const seen = JSON.stringify(journey.hops);
  if (journey.number === first || seen === shown) return;
  shown = seen;
  begun.hidden = true;
  renderHops(list, journey.hops);
}, 1000);
