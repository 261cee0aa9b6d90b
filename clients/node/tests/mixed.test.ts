/** Node adds tasks for a worker in Python, and the reverse: data, results, errors and meta are read across. */

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { Drop, Queue, TaskFailed, Worker } from "steward-redis";
import { ROOT, TestServer, until } from "./servers.js";

const python = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "clients-python/bin/python");
const folder = join(ROOT, "clients/node/tests/programs");
const vectors = JSON.parse(readFileSync(join(ROOT, "clients/wire/vectors.json"), "utf8"));
/** The data of the vectors, as positions. */
const positions: unknown[][] = vectors.encode.map(({ data }: any) => (Array.isArray(data) ? data : [data]));

let server: TestServer;
let worker: ChildProcess;
let env: NodeJS.ProcessEnv;
let q: Queue<any, any>;

before(async () => {
  execFileSync(join(ROOT, "scripts/python"), ["--deps"], { stdio: "ignore" });
  server = await TestServer.start();
  env = { ...process.env, MIXED_URL: server.url, PYTHONDONTWRITEBYTECODE: "1" };
  worker = spawn(python, ["-m", "steward_redis", "worker", "mixed:s", "-q", "python", "-q", "both"], { cwd: folder, env, stdio: "ignore" });
  q = new Queue("python", { url: server.url });
});
after(async () => {
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  worker.kill();
  await ended;
  await q.close();
  await server.close();
});

const failure = (job: Promise<unknown>): Promise<TaskFailed> => job.then(() => assert.fail("it succeeded"), (error) => error);

test("Python does what Node adds", async () => {
  const result = async (kind: string, data?: unknown, options = {}) => (await q.add(kind, data, options)).result({ timeout: "30s" });
  assert.equal(await result("send", { to: "ann", subject: "hi" }), "hi, ann");
  assert.equal(await result("send", ["ann"]), "none, ann");
  assert.equal(await result("send", "ann"), "none, ann");
  for (const { data } of vectors.encode) assert.deepEqual(await result("values", data), Array.isArray(data) ? data : [data]);

  const failed = await failure(result("fail", { text: "oh" }, { attempts: 1 }));
  assert.equal(failed.state, "dead");
  assert.match(failed.error!, /^ValueError: oh\n[^]*in fail\n/);
  assert.match((await failure(result("drop", "no such user"))).error!, /^Drop: no such user/);
  assert.match((await failure(result("send", { too: "ann" }, { attempts: 1 }))).error!, /^BadPayload: /);
  assert.match((await failure(result("only_node", {}, { attempts: 1 }))).error!, /^UnknownKind: .*send/);
  assert.match((await failure(result("wait", 3600, { attempts: 1, timeout: 50 }))).error!, /^TimeLimit\b/);

  const meta = { traceparent: "00-4b", own: 1 };
  assert.deepEqual(await result("meta", [], { meta }), meta);
  const inner = q.job(String(await result("outer", "python", { meta })));
  assert.deepEqual(await inner.result({ timeout: "20s" }), { traceparent: "00-4b" });

  const chain = await q.chain([["add", { x: 1, y: 2 }], ["add", { y: 10 }, { into: "x" }]]);
  assert.equal(await chain.result({ timeout: "20s" }), 13);
  const adds = Array.from({ length: 10 }, (_, x) => ["add", { x, y: x }] as const);
  assert.equal(await (await q.chord(adds, ["total", {}, { into: "values" }])).result({ timeout: "20s" }), 90);

  const waits = await q.add("wait", 3600);
  await until("it tells how far it is", async () => (await waits.state())?.progress);
  assert.deepEqual((await waits.state())!.progress, { percent: 50 });
  assert.equal(await waits.cancel("not needed"), true);
  await until("its claim is over", async () => (await server.count("python", "claimed_tasks")) === 0);
});

test("Node does what Python submits", async () => {
  await using _ = new Worker("node", {
    send: ({ data }) => `${data.subject}, ${data.to}`,
    values: ({ data }) => data,
    fail: ({ data }) => { throw new RangeError(data.text); },
    drop: ({ data }) => { throw new Drop(data.text); },
    wait: async (task, signal) => {
      await task.progress({ percent: 50 });
      await sleep(task.data.seconds * 1000, undefined, { signal });
    },
    meta: ({ meta }) => meta,
    outer: async ({ data }) => {
      await using inner = new Queue(data.queue, { url: server.url });
      return (await inner.add("meta")).id;
    },
    add: ({ data }) => data.x + data.y,
    total: ({ data }) => data.values.reduce((sum: number, one: number) => sum + one, 0),
  }, { url: server.url, signals: [] });
  const found = await new Promise<any>((resolve, reject) => {
    const program = execFile(python, ["mixed.py"], { cwd: folder, env }, (error, output) => (error ? reject(error) : resolve(JSON.parse(output))));
    program.stdin!.end(JSON.stringify(positions));
  });
  const { fail, drop, limit, unknown, cancelled, ...others } = found;
  assert.deepEqual(others, {
    send: "hi, ann",
    values: positions,
    meta: { traceparent: "00-4b", own: 1 },
    inner: { traceparent: "00-4b" },
    chain: 13,
    chord: 90,
    progress: ["claimed", { percent: 50 }],
  });
  assert.equal(fail.state, "dead");
  assert.match(fail.error, /^RangeError: oh\n *at /);
  assert.match(drop.error, /^Drop: no such user/);
  assert.match(limit.error, /^TimeLimit: /);
  assert.match(unknown.error, /^UnknownKind: .*send/);
  assert.deepEqual(cancelled, { state: "cancelled", error: "not needed" });
});

test("both work on one queue, each on the kinds that it knows", async () => {
  await using both = new Queue<any, string>("both", { url: server.url });
  await using _ = new Worker<any, string>("both", { only_node: () => "of Node" }, { url: server.url, signals: [] });
  const options = { attempts: 1000, backoff: 5 };
  const ours = await both.addMany("only_node", Array(20).fill({}), options);
  const theirs = await both.addMany("send", Array(20).fill("ann"), options);
  for (const job of ours) assert.equal(await job.result({ timeout: "30s" }), "of Node");
  for (const job of theirs) assert.equal(await job.result({ timeout: "30s" }), "none, ann");
});
