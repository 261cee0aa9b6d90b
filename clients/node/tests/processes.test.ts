import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { Queue } from "steward-redis";
import { Program } from "./programs.js";
import { TestServer, until } from "./servers.js";

/** How many kills have to hit a worker that has tasks. */
const KILLS = Number(process.env.STEWARD_KILLS ?? 12);

let server: TestServer;
before(async () => void (server = await TestServer.start()));
after(() => server.close());

const start = (queue: string, options: object = {}) => Program.start("worker", server.url, queue, JSON.stringify(options));

test(`no task is lost when workers are killed, ${KILLS} of them with tasks`, async () => {
  await using q = new Queue<any, number>("storm", { url: server.url });
  await server.call("TASK.CONFIG", "SET", "storm", "max-lost", 1000);
  const jobs = await q.addMany("sleep", Array(KILLS * 60).fill({ ms: 40 }), { attempts: 1000, retain: "1h", backoff: 0 });
  const workers = Array.from({ length: 3 }, () => start("storm"));
  let hits = 0;
  for (let next = 0; hits < KILLS; next = (next + 1) % workers.length) {
    const worker = workers[next]!;
    await worker.ready;
    await until("it has tasks", async () => {
      const [, page] = await server.call("TASK.LIST", "storm", "claimed", "COUNT", 100);
      return page.some((one: any[]) => one.some((word) => typeof word === "string" && word.includes(`-${worker.child.pid}-`)));
    });
    const before = await server.count("storm", "lost_total");
    await worker.kill();
    await until("its tasks are lost", async () => (await server.count("storm", "lost_total")) > before, 300).then(() => hits++, () => {});
    workers[next] = start("storm");
  }
  const pids = await Promise.all(jobs.map((job) => job.result({ timeout: "120s" })));
  assert.ok(pids.every((pid) => pid > 0));
  assert.equal(await server.count("storm", "acked_total"), jobs.length);
  await Promise.all(workers.map((worker) => worker.kill("SIGTERM")));
});

test("SIGTERM under load: what runs is finished, nothing is lost, and the process ends of the signal", async () => {
  await using q = new Queue<any, number>("term", { url: server.url });
  const file = join(mkdtempSync(join(tmpdir(), "steward-")), "ran");
  const jobs = await q.addMany("sleep", Array(200).fill({ ms: 100, file }), { retain: "1h" });
  const first = start("term");
  await until("it works", async () => (await server.count("term", "acked_total")) > 10);
  assert.equal(await first.kill("SIGTERM"), "SIGTERM");
  assert.equal(await server.count("term", "lost_total"), 0);
  assert.equal(await server.count("term", "claimed_tasks"), 0);
  const second = start("term");
  await Promise.all(jobs.map((job) => job.result({ timeout: "60s" })));
  // More may have been claimed: what came after the signal was given back before it ran.
  assert.equal(readFileSync(file, "utf8").length, jobs.length);
  assert.equal(await server.count("term", "acked_total"), jobs.length);
  assert.equal(await server.count("term", "failed_total"), 0);
  await second.kill("SIGTERM");
  rmSync(dirname(file), { recursive: true });
});

test("a second SIGTERM interrupts what runs, which is given back", async () => {
  await using q = new Queue<any, number>("hurry", { url: server.url });
  const job = await q.add("sleep", { ms: 3_600_000 });
  const worker = start("hurry");
  await until("it runs", async () => (await job.state())?.state === "claimed");
  await until("it waits for more", async () => (await server.count("hurry", "waiting_clients")) === 1);
  worker.child.kill("SIGTERM");
  await until("it takes no more", async () => (await server.count("hurry", "waiting_clients")) === 0);
  assert.equal(await worker.kill("SIGTERM"), "SIGTERM");
  assert.deepEqual([(await job.state())?.state, (await job.state())?.attempt], ["ready", 0]);
});

test("a handler that blocks the event loop for 10 s is not taken for dead, nor are those beside it", async () => {
  await using q = new Queue<any, number>("block", { url: server.url });
  const worker = start("block", { ttl: "2s" });
  await worker.ready;
  const beside = await q.add("sleep", { ms: 100 });
  const job = await q.add("block", { ms: 10_000 });
  assert.equal(await job.result({ timeout: "40s" }), worker.child.pid);
  assert.equal(await beside.result({ timeout: "40s" }), worker.child.pid);
  assert.equal(await server.count("block", "lost_total"), 0);
  await worker.kill("SIGTERM");
});
