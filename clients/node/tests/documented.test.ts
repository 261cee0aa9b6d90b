import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import * as library from "steward-redis";
import { freePort, ROOT, startCluster, TestServer, until } from "./servers.js";

const here = join(ROOT, "clients/node");
const folder = join(here, "build/documented");
const ours = ["guides/several-machines.md", ...readdirSync(join(ROOT, "docs/node")).map((name) => join("node", name))];
const pages = [join(here, "README.md"), ...ours.map((page) => join(ROOT, "docs", page))];

let server: TestServer;
const examples: string[] = [];

/** What users see of the library: each public name, with the comment above it. */
function publicNames(): Map<string, string> {
  const read = (file: string) => readFileSync(join(here, "dist/esm", file), "utf8");
  const comment = "((?:/\\*\\*(?:(?!\\*/)[^])*\\*/\\n *)?)";
  const found = new Map<string, string>();
  const exported = [...read("index.d.ts").matchAll(/^export (?:type )?(\*|\{.*\}) from "\.\/(.*)\.js"/gm)].map(([, list, file]) => [list!, file!]);
  for (const [list, file] of [...exported, ["inline Inline Ran", "testing"]] as [string, string][]) {
    const text = read(`${file}.d.ts`);
    const names = list === "*" ? [...text.matchAll(/^export declare class (\w+)/gm)].map((match) => match[1]!) : list.match(/\b(?!type\b)\w+/g)!;
    for (const name of names) {
      const [declared, above = "", kind] = new RegExp(`${comment}export (?:declare )?(class|function|interface|type|const) ${name}\\b[^]*?\\n(?=\\}|export|/|$)`).exec(text)!;
      found.set(name, above);
      if (kind !== "class") continue;
      for (const [, above = "", method] of declared.matchAll(new RegExp(`${comment}^    (?:get )?([a-z]\\w*)[<(]`, "gm")))
        if (!/^(constructor|toString|valueOf)$/.test(method!)) found.set(`${name}.${method}`, above);
    }
  }
  return found;
}

/** A program that runs the examples of all names, each with a database and a queue of its own, at which a worker works. A
 * line that ends with `// => value` has this value. */
function program(names: Map<string, string>): string {
  const parts = [...names].map(([name, comment]) => {
    const lines = (comment.split("@example")[1] ?? "").replace(/\s*\*\/\s*$/, "").replace(/^ *\* ?/gm, "");
    const worker = lines.includes("result(") ? "await using _ = worker();" : "";
    return `["${name}", async (q) => {${worker}${lines.replace(/^(.*); \/\/ => (.*)$/gm, "assert.deepEqual(await ($1), $2);")}\n}],`;
  });
  return `
    import assert from "node:assert/strict";
    import { setTimeout as sleep } from "node:timers/promises";
    import { ${[...names.keys()].filter((name) => !/\.|^(inline|Inline|Ran)$/.test(name)).join(", ")} } from "steward-redis";
    import { inline, type Inline, type Ran } from "steward-redis/testing";
    const examples: [string, (q: Queue<any, any>) => Promise<void>][] = [${parts.join("\n")}];
    const url = process.env.REDIS_URL;
    const worker = () => new Worker<any, any>("examples", {
      send: (task) => "sent to " + task.data.to,
      add: (task) => task.data.a + (task.data.result ?? task.data.b),
      total: (task) => task.data.results.reduce((sum: number, one: number) => sum + one, 0),
    });
    for (const [index, [name, run]] of examples.entries()) {
      process.env.REDIS_URL = url + "/" + index;
      await using q = new Queue<any, any>("examples");
      const late = sleep(20_000, undefined, { ref: false }).then(() => assert.fail("it does not end"));
      await Promise.race([run(q), late]).catch((error) => console.error(name, error));
    }
    process.exit();`;
}

before(async () => {
  server = await TestServer.start("--databases 200");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const page of pages)
    [...readFileSync(page, "utf8").matchAll(/^```ts\n([^]*?)^```$/gm)].forEach(([, text], index) => {
      examples.push(`${basename(page, ".md")}-${index + 1}`);
      writeFileSync(join(folder, `${examples.at(-1)}.ts`), text!);
    });
  writeFileSync(join(folder, "names.ts"), program(publicNames()));
  const options = { rootDir: ".", outDir: "js", declaration: false, noUnusedLocals: false, noUnusedParameters: false, experimentalDecorators: true, skipLibCheck: true };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../../tsconfig.json", compilerOptions: options, include: ["."] }));
});
after(() => server.close());

test("every example of the manual compiles", () => {
  assert.ok(examples.length >= 10);
  try {
    execFileSync("npx", ["--no-install", "tsc", "-p", folder], { cwd: here, encoding: "utf8" });
  } catch (error) {
    assert.fail((error as { stdout: string }).stdout);
  }
});

test("every example of the page Node and of the README runs", async () => {
  for (const [index, name] of examples.entries()) {
    if (!/^(index|README)/.test(name)) continue;
    // Each has a database of its own.
    const env = { ...process.env, REDIS_URL: `${server.url}/${index % 16}` };
    const { stderr } = await promisify(execFile)(process.execPath, [join(folder, "js", `${name}.js`)], { env, timeout: 60_000 });
    assert.equal(stderr, "", name);
  }
});

test("every public name has an example, and all of these run", async () => {
  const names = publicNames();
  for (const [name, comment] of names) assert.ok(comment.includes("@example"), `${name} has no example`);
  assert.deepEqual(Object.keys(library).filter((name) => !names.has(name)), []);
  const env = { ...process.env, REDIS_URL: server.url };
  const { stderr } = await promisify(execFile)(process.execPath, [join(folder, "js/names.js")], { env, timeout: 300_000 });
  assert.equal(stderr, "");
});

test("the examples for Express and Next add tasks and tell their state", async () => {
  const url = `${server.url}/199`;
  await using _ = new library.Worker("mail", (task) => `sent to ${task.data.to}`, { url, signals: [] });
  const json = { method: "POST", body: '{"to":"ann"}', headers: { "Content-Type": "application/json", "Idempotency-Key": "7" } };
  const done = (get: () => Promise<Response>) => until("it is done", async () => ((await (await get()).json()) as any)?.state === "done");

  const port = await freePort();
  const env = { ...process.env, REDIS_URL: url, PORT: String(port) };
  const express = spawn(process.execPath, [join(folder, "js/express-1.js")], { env, stdio: "inherit" });
  const ended = new Promise((resolve) => express.once("exit", resolve));
  try {
    const mails = `http://127.0.0.1:${port}/mails`;
    await until("it listens", () => fetch(`${mails}/0`).then((response) => response.status === 404, () => false));
    for (let i = 0; i < 2; i++) {
      const response = await fetch(mails, json);
      assert.deepEqual([response.status, await response.json()], [202, { id: "7" }]);
    }
    await done(() => fetch(`${mails}/7`));
  } finally {
    express.kill("SIGTERM");
  }
  assert.equal(await ended, 0);

  process.env.REDIS_URL = url;
  const { POST, GET } = await import(join(folder, "js/next-2.js"));
  const { id } = await (await POST(new Request("http://host/mails", json))).json();
  await done(() => GET(new Request(`http://host/mails?id=${id}`)));
  delete process.env.REDIS_URL;
});

test("the application for those who know BullMQ runs, and the one in BullMQ is JavaScript", async () => {
  const [, theirs] = /^```javascript\n([^]*?)^```$/m.exec(readFileSync(join(ROOT, "docs/node/bullmq.md"), "utf8"))!;
  writeFileSync(join(folder, "bullmq.mjs"), theirs!);
  execFileSync(process.execPath, ["--check", join(folder, "bullmq.mjs")]);

  const env = { ...process.env, REDIS_URL: `${server.url}/198` };
  const ours = spawn(process.execPath, [join(folder, "js/bullmq-1.js")], { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => ours.once("exit", resolve));
  let said = "";
  ours.stdout.on("data", (data) => (said += data));
  try {
    await until("it has the sum of ten pages", () => Promise.resolve(said === "450\n"));
  } finally {
    ours.kill("SIGTERM");
  }
  await ended;
});

test("the example of a queue over many slots runs in a cluster", async () => {
  const cluster = await startCluster();
  try {
    const env = { ...process.env, REDIS_URL: cluster.url };
    const program = join(folder, "js", "several-machines-1.js");
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { env, timeout: 60_000 });
    assert.deepEqual([stdout, stderr], ["sent to ann\n", ""]);
  } finally {
    await cluster.close();
  }
});

test("no page with an example is forgotten", () => {
  const all = readdirSync(join(ROOT, "docs"), { encoding: "utf8", recursive: true }).filter((name) => name.endsWith(".md"));
  const shown = all.filter((name) => readFileSync(join(ROOT, "docs", name), "utf8").includes("\n```ts\n"));
  for (const name of shown) assert.ok(ours.includes(name), name);
});

test("every error and class is in the manual", () => {
  const text = readFileSync(join(ROOT, "docs/node/index.md"), "utf8");
  const hidden = new Set(["Task", "Job", "Epoch", "Interrupted", "Registration"]);
  for (const name of Object.keys(library)) assert.ok(hidden.has(name) || new RegExp(`\\b${name}\\b`).test(text), name);
});

test("CommonJS has the same, with a thread that beats", async () => {
  const require = createRequire(import.meta.url);
  const common: typeof library = require("steward-redis");
  assert.deepEqual(Object.keys(common).sort(), Object.keys(library).sort());
  await using q = new common.Queue<{ n: number }, number>("cjs", { url: server.url });
  await using _ = new common.Worker<{ n: number }, number>("cjs", (task) => task.data.n, { url: server.url, signals: [] });
  assert.equal(await (await q.add("x", { n: 3 })).result({ timeout: "20s" }), 3);
});
