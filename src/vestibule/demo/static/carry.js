// Carries the page's form or link onward: at once, or after the pause that the page asks for.
const form = document.querySelector("form[data-carry]");
const link = document.querySelector("a[data-carry]");
const pause = Number((form ?? link)?.dataset.carry || 0);
setTimeout(() => (form ? form.submit() : location.replace(link.href)), pause);
