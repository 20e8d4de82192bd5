// Shows a recorded journey as a list. Every value is set as text.
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

export function renderHops(list, hops) {
  list.replaceChildren(
    ...hops.map((hop) => {
      const item = element("li", `hop hop-${hop.place}${hop.visitor ? "" : " hop-other"}`);
      const head = element("p", "hop-head");
      head.append(element("strong", "hop-place", hop.title), element("code", "hop-request", hop.request));
      if (!hop.visitor) head.append(element("span", "hop-who", hop.who));
      item.append(head);
      if (hop.sentence) item.append(element("p", "hop-sentence", hop.sentence));
      item.append(element("p", "hop-facts", hop.facts));
      return item;
    }),
  );
}
