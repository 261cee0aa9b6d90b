// What a person sees in a real browser: node browser.js ADDRESS smoke|all|screenshots [DIRECTORY]
"use strict";

const { chromium } = require("playwright-core");
const fs = require("node:fs");
const path = require("node:path");

const [address, mode, directory] = process.argv.slice(2);
const PATIENCE = 60_000;
const PAGES = [
  ["overview", "/", "Overview", "mail"],
  ["queue", "/queue?name=mail", "mail", "bob"],
  ["dead-tasks", "/queue?name=mail&state=dead", "mail", "dead-5"],
  ["new-task", "/new?name=mail", "New task in mail", "Payload"],
  ["task", "/task?queue=mail&id=ann", "ann", "worker-1"],
  ["history", "/history?name=mail", "History of mail", "The last 48 hours"],
  ["settings", "/settings?name=mail", "Settings of mail", "max-lost"],
  ["dead", "/dead", "Dead", "no such address"],
  ["kinds", "/kinds", "Kinds", "welcome"],
  ["history-of-kind", "/history?name=busy&kind=step", "History of busy, step", "The last 48 hours"],
  ["kinds-of-one", "/kinds?name=mail", "Kinds", "welcome"],
  ["waiting-task", "/task?queue=mail&id=cleo", "cleo", "Change the payload"],
  ["hostile-task", "/task?queue=mail&id=script", "script", "alert(document.cookie)"],
  ["services", "/services", "Services", "m1"],
  ["service", "/service?name=web", "web", "m2"],
  ["cron", "/cron", "Cron", "digest"],
  ["events", "/events", "Events", "cancelled"],
  ["events-of-one", "/events?service=web", "Events of web", "registered"],
  ["doctor", "/doctor", "Doctor", "what to do"],
];
const SHOTS = ["overview", "queue", "task", "dead", "service", "cron", "events"];

function check(isSo, what) {
  if (!isSo) throw new Error(what);
}

// A page whose errors, and whose requests to elsewhere, fail the test.
async function open(browser, theme, options = {}) {
  const context = await browser.newContext({ colorScheme: theme, viewport: { width: 1360, height: 800 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on("pageerror", (error) => fail(error));
  // Something that was to be shown has run.
  page.on("dialog", (dialog) => fail(new Error(dialog.message())));
  page.on("console", (message) => {
    const isMeant = page.isRefused && message.text().includes("status of 400");
    if (message.type() === "error" && !isMeant) fail(new Error(message.text()));
  });
  page.on("request", (request) => request.url().startsWith(address) || fail(new Error(request.url())));
  await page.goto(address + "/");
  await page.fill("input[name=user]", "default");
  await page.click("button");
  await page.waitForSelector("h1:has-text('Overview')");
  return page;
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

async function show(page, [, where, heading, text]) {
  const answer = await page.goto(address + where);
  check(answer.status() === 200, `${where}: ${answer.status()}`);
  await page.waitForSelector(`h1:has-text("${heading}")`);
  check((await page.textContent("main")).includes(text), `${where} lacks ${text}`);
}

async function isAccessible(page, where) {
  await page.evaluate(fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const told = found.violations.map((one) => `${one.id}: ${one.help}\n  ${one.nodes.map((node) => node.html + "\n  " + node.failureSummary).join("\n  ")}`);
  check(told.length === 0, `${where}: ${told.join("\n")}`);
}

// On a phone a table may be wider than the page, and is moved; the page itself is not.
async function fits(page, where) {
  await page.setViewportSize({ width: 360, height: 740 });
  const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  check(width <= room, `${where} is ${width} wide`);
  await page.setViewportSize({ width: 1360, height: 800 });
}

// One page is paused by hand, the other one shows it by itself.
async function isLive(browser) {
  const [one, other] = [await open(browser, "light"), await open(browser, "light")];
  await one.goto(address + "/queue?name=mail");
  await one.waitForSelector(".live:visible");
  check(!(await one.textContent("#badges")).includes("paused"), "it is paused already");
  await other.goto(address + "/queue?name=mail");
  await other.click("summary:has-text('Pause')");
  await other.fill("input[name=for]", "1h");
  await other.click("form button:has-text('Pause')");
  await other.waitForSelector(".notice:has-text('paused for 1h')");
  await one.waitForSelector("#badges:has-text('paused')");
  await other.click("button:has-text('Resume')");
  await one.waitForSelector("#badges:not(:has-text('paused'))", { state: "attached" });
}

// What is shown is not so any more, and the page says it.
async function tellsTrouble(browser) {
  const page = await open(browser, "light");
  await page.waitForSelector(".live:visible");
  check(!(await page.isVisible("#trouble")), "there is trouble already");
  const isStream = (request) => request.headers().accept === "text/event-stream";
  const body = 'event: trouble\ndata: "The server cannot be reached: gone"\n\n';
  await page.route("**/kinds", (route, request) =>
    isStream(request) ? route.fulfill({ contentType: "text/event-stream", body }) : route.continue());
  await page.goto(address + "/kinds");
  await page.waitForSelector("#trouble:has-text('gone. What is shown here is as it was')");
  check(!(await page.isVisible(".live")), "it says that it is live");
  await isAccessible(page, "/kinds in trouble");
  await page.unroute("**/kinds");
  await page.waitForSelector(".live:visible");
  check(!(await page.isVisible("#trouble")), "the trouble is over");
}

// Nobody looks at a page in the background.
async function restsUnseen(browser) {
  const page = await open(browser, "light");
  await page.waitForSelector(".live:visible");
  const see = (isHidden) =>
    page.evaluate((isHidden) => {
      Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, isHidden);
  const ended = page.waitForEvent("requestfailed", (request) => request.headers().accept === "text/event-stream");
  await see(true);
  await ended;
  check(!(await page.isVisible(".live")), "it says that it is live");
  await see(false);
  await page.waitForSelector(".live:visible");
}

// Presses Tab until this has the focus.
async function tabTo(page, selector) {
  for (let presses = 0; presses < 400; presses += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((selector) => document.activeElement?.matches(selector), selector)) return;
  }
  throw new Error(`no way to ${selector} by keyboard`);
}

// From the login to a change of all that a filter shows, by keyboard alone.
async function isForKeyboards(browser) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(address + "/");
  await tabTo(page, "input[name=password]");
  await page.keyboard.press("Enter");
  await page.waitForSelector("h1:has-text('Overview')");
  await tabTo(page, "a[href='/queue?name=mail']");
  await page.keyboard.press("Enter");
  await page.waitForSelector("h1:has-text('mail')");
  await tabTo(page, "a[href='/queue?name=mail&state=dead']");
  await page.keyboard.press("Enter");
  await page.waitForURL("**state=dead");
  await tabTo(page, "input[name=q]");
  await page.keyboard.type("quota");
  await page.keyboard.press("Enter");
  await page.waitForURL("**q=quota**");
  await tabTo(page, ".bulk summary");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".notice:has-text('2 tasks are tried again')");
}

// Thousands of tasks: one button, and a bar that goes on by itself.
async function isDoneInSteps(browser) {
  const page = await open(browser, "light");
  const steps = [];
  page.on("response", (answer) => answer.url().endsWith("/bulk") && steps.push(answer.status()));
  await page.goto(address + "/queue?name=many");
  await page.click(".bulk summary:has-text('Bury')");
  await page.click(".bulk details[open] button");
  await page.waitForSelector(".notice:has-text('30\u2009000 tasks are dead')", { timeout: 5 * PATIENCE });
  check(steps.length > 1 && steps.pop() === 303 && steps.every((status) => status === 200), `steps: ${steps}`);
}

// A payload of several lines is given back as it was, but for what was typed.
async function isEdited(browser) {
  const page = await open(browser, "light");
  await page.goto(address + "/task?queue=mail&id=script");
  const before = await page.textContent("pre.payload");
  await page.click("summary:has-text('Change the payload')");
  await page.focus("textarea");
  await page.keyboard.press("Control+End");
  await page.keyboard.type("more");
  await page.click("button:has-text('Change')");
  await page.waitForSelector(".notice:has-text('script has another payload')");
  const after = await page.textContent("pre.payload");
  check(after === before + "more", `${JSON.stringify(before)} became ${JSON.stringify(after)}`);
}

// Boxes are ticked with scripts or without, and stay so while the page follows the server.
async function isTicked(browser, javaScriptEnabled) {
  const page = await open(browser, "light", { javaScriptEnabled });
  await page.goto(address + "/queue?name=busy&state=dead");
  if (javaScriptEnabled) {
    await page.click("input.all");
    check((await page.locator("input[name=id]:checked").count()) === 4, "not all are ticked");
    await page.click("input.all");
    await page.waitForSelector(".live:visible");
    await page.click("input[name=id][value=spoilt-0]");
    await page.evaluate(() => document.activeElement.blur());
    // Until the rest of the page has changed.
    const before = await page.textContent("#charts");
    await page.waitForFunction((before) => document.querySelector("#charts").textContent !== before, before);
  } else {
    check(!(await page.isVisible("input.all")), "a box that does nothing");
    await page.click("input[name=id][value=spoilt-1]");
  }
  await page.click(".ticked summary");
  await page.click("button[form=ticked][value=purge]");
  await page.waitForSelector(".notice:has-text('1 task is removed')");
  const left = javaScriptEnabled ? 3 : 2;
  check((await page.locator("input[name=id]").count()) === left, "others are gone");
}

// A new task, from a form that keeps what was typed when it is refused.
async function isPut(page) {
  await page.goto(address + "/queue?name=mail");
  await page.click("a:has-text('New task')");
  page.isRefused = true;
  await page.fill("textarea", "{\n");
  await page.check("input[name=json]");
  await page.fill("input[name=delay]", "1h");
  await page.click("button:has-text('Add the task')");
  await page.waitForSelector("[role=alert]:has-text('no JSON')");
  check((await page.inputValue("textarea")) === "{\n", "what was typed is lost");
  await page.fill("textarea", '{"a": 1}');
  await page.click("button:has-text('Add the task')");
  await page.waitForSelector(".notice:has-text('is in mail')");
  check((await page.textContent("pre.payload")).includes('"a": 1'), "another payload");
}

async function withoutScripts(browser) {
  const page = await open(browser, "light", { javaScriptEnabled: false });
  for (const one of PAGES) await show(page, one);
  await tellsWhatIsWrong(page);
  await isPut(page);
}

// Doctor may take longer than the first page.
async function tellsWhatIsWrong(page) {
  await page.goto(address + "/");
  await page.click("#findings a:has-text('dead tasks: ')");
  await page.waitForURL("**/doctor#dead");
  check((await page.textContent("tr:target")).includes("steward retry"), "it is not told what to do");
}

async function screenshots(browser) {
  fs.mkdirSync(directory, { recursive: true });
  for (const theme of ["light", "dark"]) {
    const page = await open(browser, theme);
    for (const one of PAGES.filter(([name]) => SHOTS.includes(name) && (theme === "light" || name === "overview"))) {
      await show(page, one);
      // Their charts begin when somebody looks.
      if (["overview", "queue"].includes(one[0])) await page.waitForTimeout(25_000);
      await page.screenshot({ path: path.join(directory, `web-${one[0]}-${theme}.png`) });
    }
  }
}

function found(names) {
  const places = process.env.PATH.split(":").flatMap((place) => names.map((name) => path.join(place, name)));
  return places.find((place) => fs.existsSync(place));
}

async function main() {
  const executablePath = process.env.STEWARD_BROWSER ?? found(["chromium", "chromium-browser", "google-chrome"]);
  // Chromium has no sandbox where it runs as root, as in containers.
  const browser = await chromium.launch({ executablePath, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
  if (mode === "screenshots") {
    await screenshots(browser);
  } else if (mode === "smoke") {
    const page = await open(browser, "light");
    for (const one of PAGES.slice(0, 2)) await show(page, one);
  } else {
    for (const theme of ["light", "dark"]) {
      const page = await open(browser, theme);
      for (const one of PAGES) {
        await show(page, one);
        await isAccessible(page, `${one[1]} ${theme}`);
        await fits(page, one[1]);
      }
      await page.click("text=Log out");
      await page.waitForSelector("input[name=user]");
      await isAccessible(page, `/login ${theme}`);
      await fits(page, "/login");
    }
    await withoutScripts(browser);
    await tellsWhatIsWrong(await open(browser, "light"));
    await isTicked(browser, true);
    await isTicked(browser, false);
    await isLive(browser);
    await tellsTrouble(browser);
    await restsUnseen(browser);
    await isForKeyboards(browser);
    await isDoneInSteps(browser);
    await isEdited(browser);
  }
  await browser.close();
}

main().then(() => process.exit(0), fail);
