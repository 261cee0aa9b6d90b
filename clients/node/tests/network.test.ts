import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { Queue, Retry, Worker } from "steward-redis";
import { Proxy } from "./proxy.js";
import { TestServer, until } from "./servers.js";

let server: TestServer;
before(async () => void (server = await TestServer.start()));
after(() => server.close());

let number = 0;

/** A queue and a worker, each on a network of its own. */
async function stage(run: (s: { q: Queue<any, any>; near: Proxy; far: Proxy; w: () => Worker; runs: Map<string, number> }) => Promise<void>): Promise<void> {
  const [near, far] = [await Proxy.start(server.port), await Proxy.start(server.port)];
  const q = new Queue<any, any>(`n${++number}`, { url: near.url });
  const runs = new Map<string, number>();
  const workers: Worker[] = [];
  const w = () => {
    const worker = new Worker(q.name, async (task) => {
      runs.set(task.id, (runs.get(task.id) ?? 0) + 1);
      if (task.kind === "again" && runs.get(task.id) === 1) throw new Retry({ after: 20 });
      if (task.kind === "progress") await task.progress({ percent: 50 });
      if (task.kind === "long") await sleep(1200);
      return task.kind === "silent" ? undefined : task.data;
    }, { url: far.url, signals: [], concurrency: 4, ttl: "2s", cut: "1s", log: () => {} });
    workers.push(worker);
    return worker;
  };
  try {
    await run({ q, near, far, w, runs });
  } finally {
    for (const one of workers) await one.close({ grace: 100 });
    await q.close();
    near.close();
    far.close();
  }
}

test("of what a producer sends twice there is one", () =>
  stage(async ({ q, near, w, runs }) => {
    const w1 = w();
    await w1.ready();
    const adds: [string, () => Promise<any>][] = [
      ["TASK.SCHEDULE", () => q.add("x", { i: 1 })],
      ["TASK.MSCHEDULE", async () => (await q.addMany("x", [{ i: 1 }]))[0]],
      ["EXEC", () => q.chain([["x", { i: 0 }], ["x", { i: 1 }]])],
    ];
    for (const [command, add] of adds) {
      near.loseReplyOf(command);
      const job = await add();
      assert.equal((await job.result({ timeout: "20s" })).i, 1, command);
      // Also when the task has ended before it is sent again.
      const before = await server.count(q.name, "acked_total");
      near.loseReplyOf(command, () => until("it ended", async () => (await server.count(q.name, "acked_total")) > before));
      assert.equal((await (await add()).result({ timeout: "20s" })).i, 1, command);
    }
    assert.equal(near.lost, 6);
    assert.equal(await server.count(q.name, "scheduled_total"), 8);
    assert.deepEqual([...runs.values()], Array(8).fill(1));
  }));

test("what a producer asks is asked again", () =>
  stage(async ({ q, near, w }) => {
    const job = await q.add("x", { i: 1 }, { delay: "1h" });
    const calls: [string, () => Promise<unknown>][] = [
      ["TASK.GET", () => job.state()],
      ["TASK.CANCEL", () => job.cancel()],
      ["TASK.CONFIG", () => q.limit({ concurrency: 3 })],
      ["TASK.REPEAT", () => q.every("1h", "sweep")],
      ["TASK.REPEATS", () => q.recurring("app", {})],
      ["TASK.STATS", () => q.stats()],
    ];
    for (const [command, call] of calls) {
      near.loseReplyOf(command);
      await call();
    }
    assert.equal(near.lost, calls.length);
    near.loseReplyOf("TASK.MRESULT");
    w();
    assert.deepEqual(await (await q.add("x", { i: 2 })).result({ timeout: "20s" }), { i: 2 });
  }));

test("a worker whose replies are lost does each task and says so", () =>
  stage(async ({ q, far, w, runs }) => {
    await w().ready();
    const commands: [string, string][] = [
      ["TASK.CLAIM", "x"], ["TASK.ACK", "x"], ["TASK.MACK", "silent"], ["TASK.FAIL", "again"],
      ["TASK.EXTEND", "progress"], ["TASK.MEXTEND", "long"], ["HB.BEAT", "long"],
    ];
    for (const [command, kind] of commands) {
      far.loseReplyOf(command);
      const job = await q.add(kind, { i: 1 }, { backoff: 20 });
      const result = await job.result({ timeout: "30s" });
      assert.deepEqual(result, kind === "silent" ? undefined : { i: 1 }, command);
      await until(`the reply of ${command} is lost`, () => far.lost, 5000);
      far.lost = 0;
      // Only a claim that nobody knew of is made again, and the failed one.
      assert.equal(runs.get(job.id), kind === "again" ? 2 : 1, command);
    }
    assert.equal(await server.count(q.name, "dead_total"), 0);
  }));

test("a worker whose registration is lost registers again", () =>
  stage(async ({ q, far, w }) => {
    far.loseReplyOf("PID.REGISTER");
    await w().ready();
    assert.equal(far.lost, 1);
    assert.deepEqual(await (await q.add("x", { i: 1 })).result({ timeout: "20s" }), { i: 1 });
  }));

test("a network that is slow and breaks all the time loses nothing", () =>
  stage(async ({ q, near, far, w, runs }) => {
    near.delay = far.delay = 5;
    w();
    w();
    let isOver = false;
    const cuts = (async () => {
      while (!isOver) {
        await sleep(150 + Math.random() * 200);
        (Math.random() < 0.5 ? near : far).cut();
      }
    })();
    const jobs = await Promise.all(Array.from({ length: 200 }, (_, i) => q.add(i % 3 ? "x" : "silent", { i }, { retain: "1h" })));
    for (const [i, job] of jobs.entries()) assert.deepEqual(await job.result({ timeout: "60s" }), i % 3 ? { i } : undefined);
    isOver = true;
    await cuts;
    assert.equal(await server.count(q.name, "scheduled_total"), 200);
    assert.equal(runs.size, 200);
  }));

test("a restart of the server is survived by all", () =>
  stage(async ({ q, w }) => {
    w();
    const jobs = await q.addMany("x", Array.from({ length: 50 }, (_, i) => ({ i })), { retain: "1h" });
    const long = await q.add("long", { i: 1 }, { retain: "1h" });
    await until("it runs", async () => (await long.state())?.state === "claimed");
    await server.restart();
    assert.deepEqual(await long.result({ timeout: "30s" }), { i: 1 });
    for (const [i, job] of jobs.entries()) assert.deepEqual(await job.result({ timeout: "30s" }), { i });
    assert.deepEqual(await (await q.add("x", { i: 3 })).result({ timeout: "30s" }), { i: 3 });
  }));
