// One Chromium for all tests, told what to do in lines of JSON: {window, do, with} in, {ok} or {error} out. See chromium.py.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const { chromium } = createRequire(process.env.NODE_MODULES + '/')('playwright-core');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  chromiumSandbox: false,
  args: ['--disable-gpu', '--disable-quic', '--no-proxy-server', '--host-resolver-rules=MAP * ~NOTFOUND,EXCLUDE 127.0.0.1,EXCLUDE localhost,EXCLUDE *.localhost'],
});
const windows = new Map();

const watch = (page) => {
  const seen = { requests: [], documents: [], complaints: [] };
  page.on('request', (r) => seen.requests.push({ method: r.method(), url: r.url(), navigation: r.isNavigationRequest() }));
  page.on('response', async (r) => {
    if (!r.request().isNavigationRequest()) return;
    seen.documents.push({ status: r.status(), url: r.url(), method: r.request().method(), headers: await r.allHeaders().catch(() => ({})),
      sent: await r.request().allHeaders().catch(() => ({})) });
  });
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && seen.complaints.push(`${m.type()}: ${m.text()} (${m.location().url})`));
  page.on('pageerror', (e) => seen.complaints.push(`uncaught: ${e}`));
  return seen;
};

const verbs = {
  open: async ({ window, options }) => {
    const context = await browser.newContext(options ?? {});
    context.setDefaultTimeout(15000);
    const page = await context.newPage();
    windows.set(window, { context, page, seen: watch(page) });
  },
  close: async ({ context }, { window }) => { windows.delete(window); await context.close(); },
  goto: async ({ page }, { url }) => { await page.goto(url, { waitUntil: 'load' }).catch((e) => { if (!/interrupted|ERR_ABORTED/.test(e.message)) throw e; }); },
  wait_for: async ({ page }, { condition }) => { await page.waitForFunction(condition); },
  wait_for_url: async ({ page }, { prefix }) => { await page.waitForURL((u) => u.href.startsWith(prefix), { waitUntil: 'load' }); },
  wait_for_words: async ({ page }, { words }) => { await page.getByText(words).first().waitFor(); },
  click: async ({ page }, { name }) => { await page.getByRole('button', { name }).or(page.getByRole('link', { name })).first().click(); },
  fill: async ({ page }, { label, text }) => { await page.getByLabel(label).fill(text); },
  press: async ({ page }, { key }) => { await page.keyboard.press(key); },
  evaluate: async ({ page }, { expression }) => page.evaluate(expression),
  look: async ({ page, seen }) => ({
    url: page.url(), title: await page.title(), words: await page.evaluate('document.body ? document.body.innerText : ""'), ...seen,
  }),
  screenshot: async ({ page }, { path }) => { await page.screenshot({ path, fullPage: true }); },
  cookies: async ({ context }) => context.cookies(),
};

process.stdout.write('{"ok": "ready"}\n');
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { window, do: verb, with: given } = JSON.parse(line);
  let answer;
  try {
    const where = verb === 'open' ? { window, ...given } : windows.get(window);
    answer = { ok: (await verbs[verb](where, { window, ...given })) ?? null };
  } catch (error) {
    const page = windows.get(window)?.page;
    const words = await page?.evaluate('document.body ? document.body.innerText.slice(0, 1500) : ""').catch(() => '');
    answer = { error: `${verb} ${JSON.stringify(given)}: ${error.message}\nat ${page?.url()}\n${words}` };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
await browser.close();
