/** The package as users get it. */

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ROOT, TestServer } from "./servers.js";

const here = join(ROOT, "clients/node");
const above = mkdtempSync(join(tmpdir(), "steward-package-"));
const folder = join(above, "shop");
const npm = (cwd: string, ...words: string[]) => execFileSync("npm", [...words, "--no-audit", "--no-fund"], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

let server: TestServer;
before(async () => void (server = await TestServer.start()));
after(async () => {
  await server.close();
  rmSync(above, { recursive: true, force: true });
});

test("it has the library, its types, a readme, the licence, and nothing else", () => {
  const [{ files }] = JSON.parse(npm(here, "pack", "--dry-run", "--json", "--ignore-scripts"));
  const paths: string[] = files.map((file: { path: string }) => file.path);
  const beside = paths.filter((path) => !path.startsWith("dist/")).sort();
  assert.deepEqual(beside, ["LICENSE", "README.md", "package.json"]);
  const names = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "src"], { cwd: here, encoding: "utf8" }).match(/\w+(?=\.c?ts$)/gm)!;
  const made = ["esm", "cjs"].flatMap((kind) =>
    names.flatMap((name) => (name === "here" ? ["here.cjs", "here.d.cts"] : [`${name}.js`, `${name}.d.ts`]).map((file) => `dist/${kind}/${file}`)));
  assert.deepEqual(paths.filter((path) => path.startsWith("dist/")).sort(), [...made, "dist/cjs/package.json"].sort());
  assert.equal(readFileSync(join(here, "LICENSE"), "utf8"), readFileSync(join(ROOT, "LICENSE"), "utf8"));
});

test("the steps of the manual install it beside a clone, and it is typed and runs as ESM and as CommonJS", async () => {
  const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "."], { cwd: here, encoding: "utf8" }).trim().split("\n");
  for (const file of files) cpSync(join(here, file), join(above, "steward/clients/node", file));
  mkdirSync(folder);
  const [, steps] = readFileSync(join(ROOT, "docs/node/index.md"), "utf8").match(/^```sh\n([^]*?)^```$/m)!;
  const quiet = { npm_config_prefer_offline: "true", npm_config_audit: "false", npm_config_fund: "false" };
  execFileSync("sh", ["-ec", steps!], { cwd: folder, env: { ...process.env, ...quiet }, stdio: ["ignore", "ignore", "pipe"] });
  const use = (how: string) => `
    ${how}
    const q = new Queue<{ to: string }, string>("package");
    const w = new Worker<{ to: string }, string>("package", (task) => task.data.to.toUpperCase(), { signals: [] });
    // @ts-expect-error the data has no such field
    const wrong = () => q.add("send", { too: "ann" });
    void (async () => {
      const job = await q.add("send", { to: "ann" });
      const text: string = await job.result({ timeout: "20s" });
      console.log(text);
      await w.close();
      await q.close();
    })();`;
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "src/esm.mts"), use('import { Queue, Worker } from "steward-redis";'));
  writeFileSync(join(folder, "src/common.cts"), use('import steward = require("steward-redis");\nconst { Queue, Worker } = steward;'));
  const types = { types: ["node"], typeRoots: [join(here, "node_modules/@types")] };
  for (const [module, moduleResolution] of [["node16", "node16"], ["esnext", "bundler"]]) {
    const files = module === "node16" ? ["src/esm.mts", "src/common.cts"] : ["src/esm.mts"];
    const options = { target: "ES2022", lib: ["ES2023", "ESNext.Disposable"], module, moduleResolution, rootDir: "src", outDir: module, strict: true, ...types };
    const config = join(folder, `${module}.json`);
    writeFileSync(config, JSON.stringify({ compilerOptions: options, files }));
    try {
      execFileSync(join(here, "node_modules/.bin/tsc"), ["-p", config], { encoding: "utf8" });
    } catch (error) {
      assert.fail((error as { stdout: string }).stdout);
    }
  }
  const env = { ...process.env, REDIS_URL: server.url };
  for (const name of ["esm.mjs", "common.cjs"]) {
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "node16", name)], { env, timeout: 60_000 });
    assert.equal(stdout, "ANN\n", name);
  }
});
