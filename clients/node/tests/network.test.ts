import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { lead, Queue, ServerError } from "steward-redis";
import { TestServer, until } from "./servers.js";
import { Stage } from "./stage.js";

let server: TestServer;
before(async () => void (server = await TestServer.start()));
after(() => server.close());

test("a slow network is only slow", () =>
  Stage.run(server, async ({ q, near, far, worker, runs }) => {
    near.delay = far.delay = 5;
    worker();
    const jobs = await Promise.all(Array.from({ length: 100 }, (_, i) => q.add(i % 3 ? "x" : "silent", { i })));
    for (const [i, job] of jobs.entries()) assert.deepEqual(await job.result({ timeout: "30s" }), i % 3 ? { i } : undefined);
    assert.deepEqual([...runs.values()], Array(100).fill(1));
  }));

test("a network that is slow and breaks all the time loses nothing", () =>
  Stage.run(server, async ({ q, near, far, worker, count, runs }) => {
    near.delay = far.delay = 5;
    worker();
    worker();
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
    assert.equal(await count("scheduled_total"), 200);
    assert.equal(runs.size, 200);
  }));

test("a restart of the server is survived by all", () =>
  Stage.run(server, async ({ q, worker }) => {
    worker();
    const jobs = await q.addMany("x", Array.from({ length: 50 }, (_, i) => ({ i })), { retain: "1h" });
    const long = await q.add("long", { i: 1 }, { retain: "1h" });
    await until("it runs", async () => (await long.state())?.state === "claimed");
    await server.restart();
    assert.deepEqual(await long.result({ timeout: "30s" }), { i: 1 });
    for (const [i, job] of jobs.entries()) assert.deepEqual(await job.result({ timeout: "30s" }), { i });
    assert.deepEqual(await (await q.add("x", { i: 3 })).result({ timeout: "30s" }), { i: 3 });
  }));

test("a server without the module is told of", () => {
  const error = (ServerError as any).of("ERR unknown command 'TASK.SCHEDULE', with args beginning with: 'mail'");
  assert.equal(error.message, "ERR the server does not know TASK.SCHEDULE: is the module steward loaded?");
});

test("a server that does not answer is told of", async () => {
  const own = await TestServer.start();
  await using q = new Queue("told", { url: own.url });
  await own.kill();
  const warned = once(process, "warning");
  const added = q.add("x");
  const [warning] = await warned;
  assert.match(warning.message, /^steward: no answer from the server yet: .*ECONNREFUSED/);
  await own.start();
  assert.ok((await added).id);
  await own.close();
});

test("a member that was cut off comes back at once, not with its next beat", () =>
  Stage.run(server, async ({ far, worker }) => {
    await worker({ ttl: "60s", cut: "20s" }).ready();
    const times: number[] = [];
    for (let i = 0; i < 9; i++) {
      // Anywhere between two beats.
      await sleep(200 + i * 33);
      far.sent.clear();
      const cut = Date.now();
      far.cut();
      await until("it registers again", () => far.sent.has("PID.REGISTER"));
      times.push(Date.now() - cut);
    }
    const median = times.sort((a, b) => a - b)[4]!;
    assert.ok(median < 100, `${times}`);
  }));

test("one that leads goes on after a cut, and over a restart of the server", () =>
  Stage.run(server, async ({ q, far }) => {
    await lead(`${q.name}-lead`, async (epoch, signal) => {
      const again = async (cut: () => unknown) => {
        far.sent.clear();
        await cut();
        await until("it leads again", () => far.sent.has("HB.CAMPAIGN"));
      };
      await again(() => far.cut());
      await again(() => server.restart());
      assert.equal(signal.aborted, false);
      await until("it is heard", () => epoch.fenced("GET", `{${q.name}-lead}x`).then(() => true, () => false));
    }, { url: far.url, ttl: "15s", cut: "5s" });
  }));

test("one that leads and cannot come back is told before another leads", () =>
  Stage.run(server, async ({ q, far }) => {
    const service = `${q.name}-lead`;
    let told = 0;
    const first = lead(service, async (_epoch, signal) => {
      const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      far.isDown = true;
      far.cut();
      await aborted;
      told = Date.now();
    }, { url: far.url, cut: "2s" });
    const lost = assert.rejects(first, { name: "LeadLost" });
    await until("it leads", () => server.call("HB.LEADER", service));
    const next = lead(service, () => Date.now(), { url: server.url });
    assert.ok((await next) >= told && told > 0);
    far.isDown = false;
    await lost;
  }));
