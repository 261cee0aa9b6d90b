import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { Cancelled, Lost, Queue, Retry, Stopping, TimeLimit, Worker, type WorkerOptions, type Handlers } from "steward-redis";
import { TestServer, until } from "./servers.js";

let server: TestServer;
const queues: Queue[] = [];
before(async () => void (server = await TestServer.start()));
after(async () => {
  for (const q of queues) await q.close();
  await server.close();
});

let number = 0;
function queue(): Queue<any, any> {
  const q = new Queue(`w${++number}`, { url: server.url });
  queues.push(q);
  return q;
}

function worker(q: Queue<any, any>, handlers: Handlers<any, any>, options: WorkerOptions = {}): Worker<any, any> {
  return new Worker(q.name, handlers, { url: server.url, signals: [], log: () => {}, ...options });
}

/** A promise and its ends. */
function gate(): { wait: Promise<void>; open: () => void } {
  let open!: () => void;
  const wait = new Promise<void>((resolve) => (open = resolve));
  return { wait, open };
}

test("as many run as the worker has places, and none is claimed ahead", async () => {
  const q = queue();
  const { wait, open } = gate();
  let running = 0;
  let most = 0;
  await q.addMany("x", Array(20).fill({}));
  await using _ = worker(q, async () => {
    most = Math.max(most, ++running);
    await wait;
    running--;
  }, { concurrency: 3 });
  await until("three run", () => running === 3);
  assert.equal(await server.count(q.name, "claimed_tasks"), 3);
  open();
  await until("all are done", async () => (await server.count(q.name, "acked_total")) === 20);
  assert.equal(most, 3);
});

test("an attempt that failed is made again, after the time that Retry says", async () => {
  const q = queue();
  const times: number[] = [];
  await using _ = worker(q, (task) => {
    times.push(Date.now());
    if (task.attempt === 1) throw new Retry("busy", { after: 300 });
    if (task.attempt === 2) throw new TypeError("oh");
    return task.attempt;
  });
  const job = await q.add("x", {}, { backoff: 10 });
  assert.equal(await job.result({ timeout: "20s" }), 3);
  assert.ok(times[1]! - times[0]! >= 295, `${times[1]! - times[0]!}`);
});

test("the error of a failed attempt begins with class and message, and then says where", async () => {
  const q = queue();
  class NoRoute extends Error {}
  await using _ = worker(q, () => { throw new NoRoute("to host\nsecond line"); });
  const job = await q.add("x", {}, { backoff: "1h" });
  await until("it failed", async () => (await job.state())?.error);
  const { error } = (await job.state())!;
  assert.match(error!, /^NoRoute: to host\n/);
  assert.match(error!, /worker\.test/);
  assert.ok(Buffer.byteLength(error!) <= 4096);
});

test("an unknown kind fails with the known ones, and is tried again", async () => {
  const q = queue();
  const old = worker(q, { send: () => 1, digest: () => 2 });
  const job = await q.add("new", {}, { backoff: 20 });
  await until("it failed", async () => (await job.state())?.error);
  assert.match((await job.state())!.error!, /UnknownKind: there is no handler for "new"; this worker has send, digest/);
  await old.close();
  await using _ = worker(q, { new: () => "done" });
  assert.equal(await job.result({ timeout: "20s" }), "done");
});

test("poison payloads fail each alone", async () => {
  const q = queue();
  const poison = ["", "to ann: hello", '{"steward":2,"meta":{},"data":1}', Buffer.from([0x22, 0xff, 0x22])];
  for (const [i, payload] of poison.entries()) await server.redis.call("TASK.SCHEDULE", q.name, payload, "ID", `p${i}`, "KIND", "x", "ATTEMPTS", 1);
  const jobs = await q.addMany("x", Array(8).fill({}));
  await using _ = worker(q, () => "good", { concurrency: 12 });
  assert.deepEqual(await Promise.all(jobs.map((job) => job.result({ timeout: "20s" }))), Array(8).fill("good"));
  await until("they are dead", async () => (await server.count(q.name, "dead_tasks")) === poison.length);
  assert.match((await q.job("p1").state())!.error!, /^BadPayload: the payload is not JSON/);
});

test("a result that is not JSON kills its task, as its work is done", async () => {
  const q = queue();
  await using _ = worker(q, () => new Date());
  await assert.rejects((await q.add("x")).result({ timeout: "10s" }), /Unencodable: the result is a Date/);
});

test("progress is seen", async () => {
  const q = queue();
  const { wait, open } = gate();
  await using _ = worker(q, async (task) => {
    await task.progress({ percent: 50 });
    await wait;
  });
  const job = await q.add("x");
  await until("it is told", async () => (await job.state())?.progress);
  assert.deepEqual((await job.state())!.progress, { percent: 50 });
  open();
});

test("the signal of a cancelled task is aborted, and it is not tried again", async () => {
  const q = queue();
  let reason: unknown;
  await using _ = worker(q, (_task, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(reason = signal.reason))));
  const job = await q.add("x");
  await until("it runs", async () => (await job.state())?.state === "claimed");
  await job.cancel("not needed");
  await assert.rejects(job.result({ timeout: "20s" }), /is cancelled: not needed/);
  await until("it was told", () => reason);
  assert.ok(reason instanceof Cancelled);
  await until("its claim is over", async () => (await server.count(q.name, "claimed_tasks")) === 0);
  assert.equal(await server.count(q.name, "claimed_total"), 1);
});

test("the signal of a lost task is aborted, and its end changes nothing", async () => {
  const q = queue();
  const reasons: unknown[] = [];
  let runs = 0;
  await using _ = worker(q, async (_task, signal) => {
    if (++runs === 1) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      reasons.push(signal.reason);
      return "of the first";
    }
    return "of the second";
  });
  const job = await q.add("x");
  await until("it runs", async () => (await job.state())?.state === "claimed");
  await server.call("TASK.UNCLAIM", q.name, job.id);
  assert.equal(await job.result({ timeout: "20s" }), "of the second");
  await until("it was told", () => reasons.length);
  assert.ok(reasons[0] instanceof Lost);
});

test("the signal is aborted at the time limit, and the attempt has failed", async () => {
  const q = queue();
  await using _ = worker(q, (_task, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))), { timeout: "1h" });
  const job = await q.add("x", {}, { timeout: 30, attempts: 1 });
  await assert.rejects(job.result({ timeout: "10s" }), new RegExp(`${TimeLimit.name}: the handler of x ran for 30 ms`));
});

test("a handler that goes on after its time limit loses its task and its place", async () => {
  const q = queue();
  const warned: string[] = [];
  await using _ = worker(q, (task) => (task.data.hangs ? new Promise(() => {}) : "next"), { timeout: 30, concurrency: 1, log: (text) => warned.push(text) });
  const job = await q.add("x", { hangs: true }, { attempts: 1 });
  assert.equal(await (await q.add("x", {})).result({ timeout: "20s" }), "next");
  await assert.rejects(job.result({ timeout: "10s" }), /TimeLimit/);
  assert.match(warned.join(), /pass the signal on/);
});

test("close waits for what runs, and takes nothing new", async () => {
  const q = queue();
  const { wait, open } = gate();
  let runs = 0;
  const w = worker(q, async () => {
    runs++;
    await wait;
    return "whole";
  }, { concurrency: 2 });
  const job = await q.add("x");
  await until("it runs", () => runs);
  const closed = w.close();
  await sleep(50);
  const later = await q.add("x");
  await sleep(100);
  assert.equal((await later.state())?.state, "ready");
  open();
  await closed;
  assert.equal(await job.result(), "whole");
  assert.equal((await later.state())?.attempt, 0);
});

test("what runs longer than the grace is told, given back, and has used no attempt", async () => {
  const q = queue();
  let reason: unknown;
  let runs = 0;
  const w = worker(q, (_task, signal) => {
    runs++;
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(reason = signal.reason)));
  });
  const job = await q.add("x");
  await until("it runs", () => runs);
  await w.close({ grace: 50 });
  assert.ok(reason instanceof Stopping);
  assert.deepEqual([(await job.state())?.state, (await job.state())?.attempt], ["ready", 0]);
});

test("a handler that blocks the event loop is not taken for dead", async () => {
  const q = queue();
  await using _ = worker(q, () => {
    const end = Date.now() + 4000;
    while (Date.now() < end);
    return "done";
  }, { ttl: "1s", concurrency: 1 });
  const job = await q.add("x");
  assert.equal(await job.result({ timeout: "20s" }), "done");
  assert.equal(await server.count(q.name, "lost_total"), 0);
});

test("hooks run before and after, with the error", async () => {
  const q = queue();
  const seen: unknown[] = [];
  await using _ = worker(q, (task) => { if (task.kind === "bad") throw new Error("oh"); }, {
    onStart: (task) => seen.push(task.kind),
    onEnd: (task, error) => seen.push([task.kind, (error as Error | undefined)?.message]),
  });
  await (await q.add("good")).result({ timeout: "10s" });
  await assert.rejects((await q.add("bad", {}, { attempts: 1 })).result({ timeout: "10s" }));
  assert.deepEqual(seen, ["good", ["good", undefined], "bad", ["bad", "oh"]]);
});

test("a signal of the operator ends the worker", async () => {
  const q = queue();
  const w = worker(q, () => {}, { name: "stopped" });
  await w.ready();
  await server.call("HB.SIGNAL", q.name, "stopped", "stop");
  await until("it left", async () => !(await server.call("PID.GET", q.name, "stopped")));
  await w.close();
});

test("twenty workers in a process listen to a signal once, and leave it when they have closed", async () => {
  const before = process.listenerCount("SIGHUP");
  const workers = Array.from({ length: 20 }, () => worker(queue(), () => {}, { signals: ["SIGHUP"] }));
  assert.equal(process.listenerCount("SIGHUP"), before + 1);
  // Keeps the process, which otherwise would end of the signal.
  const keep = () => {};
  process.on("SIGHUP", keep);
  process.kill(process.pid, "SIGHUP");
  await until("all have closed", () => process.listenerCount("SIGHUP") === before + 1);
  process.off("SIGHUP", keep);
  await Promise.all(workers.map((one) => one.close()));
});

test("a worker that may not work says why", async () => {
  await server.call("ACL", "SETUSER", "guest", "on", ">secret", "~*", "+@all", "-task.claim");
  const q = queue();
  const warned: string[] = [];
  const url = server.url.replace("//", "//guest:secret@");
  const w = worker(q, () => {}, { url, log: (text) => warned.push(text) });
  await until("it says so", () => warned.length);
  assert.match(warned[0]!, /cannot work: NOPERM .*task\.claim/i);
  await w.close();
  const wrong = worker(q, () => {}, { url: server.url.replace("//", "//guest:wrong@") });
  await assert.rejects(wrong.ready(), /WRONGPASS/);
  await wrong.close();
});
