import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import * as library from "steward-redis";
import { ROOT, startCluster, TestServer } from "./servers.js";

const here = join(ROOT, "clients/node");
const folder = join(here, "build/documented");
const ours = ["guides/several-machines.md", ...readdirSync(join(ROOT, "docs/node")).map((name) => join("node", name))];
const pages = [join(here, "README.md"), ...ours.map((page) => join(ROOT, "docs", page))];

let server: TestServer;
const examples: string[] = [];

before(async () => {
  server = await TestServer.start();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const page of pages)
    [...readFileSync(page, "utf8").matchAll(/^```ts\n([^]*?)^```$/gm)].forEach(([, text], index) => {
      examples.push(`${basename(page, ".md")}-${index + 1}`);
      writeFileSync(join(folder, `${examples.at(-1)}.ts`), text!);
    });
  const options = { rootDir: ".", outDir: "js", declaration: false, incremental: false, noUnusedLocals: false, experimentalDecorators: true, skipLibCheck: true };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../../tsconfig.json", compilerOptions: { ...options, tsBuildInfoFile: null }, include: ["."] }));
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

test("every name of the library is in the manual", () => {
  const text = readFileSync(join(ROOT, "docs/node/index.md"), "utf8");
  const hidden = new Set(["StewardError", "Task", "Job", "Epoch", "Interrupted"]);
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
