/** Of each command that the library sends the reply is lost once: nobody notices, and nothing is done twice. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { lead, members, Queue, register, TaskFailed, Unreachable, type Job } from "steward-redis";
import { Proxy } from "./proxy.js";
import { ROOT, TestServer, until } from "./servers.js";
import { Stage } from "./stage.js";

let server: TestServer;
before(async () => void (server = await TestServer.start()));
after(() => server.close());

/** Has the reply to the next such command on a network lost, if not given that of the row. */
type Lose = (network: Proxy, command?: string, then?: () => Promise<unknown>) => void;
/** What has the command sent, and what must come of it. */
type Row = (stage: Stage & { lose: Lose }) => Promise<void>;

const rows: Record<string, Row> = {
  "TASK.SCHEDULE": added((q) => q.add("x", { i: 1 }), 1),
  "TASK.MSCHEDULE": added(async (q) => (await q.addMany("x", [{ i: 1 }]))[0]!, 1),
  MULTI: added((q) => q.chain([["x", { i: 0 }], ["x", { i: 1 }]]), 2),
  EXEC: added((q) => q.chain([["x", { i: 0 }], ["x", { i: 1 }]]), 2),
  "TASK.GET": async ({ q, near, lose }) => {
    const job = await q.add("x", {}, { delay: "1h" });
    lose(near);
    assert.equal((await job.state())?.state, "scheduled");
  },
  "TASK.CANCEL": async ({ q, near, lose }) => {
    const job = await q.add("x", {}, { delay: "1h" });
    lose(near);
    assert.equal(await job.cancel("gone"), true);
    await assert.rejects(job.result(), (error: TaskFailed) => error.state === "cancelled" && error.error === "gone");
  },
  "TASK.CONFIG SET": async ({ q, near, lose }) => {
    lose(near);
    await q.limit({ concurrency: 3 });
    assert.equal(String(await server.call("TASK.CONFIG", "GET", q.name, "concurrency")), "concurrency,3");
  },
  "TASK.CONFIG GET": async ({ far, worker, lose }) => {
    lose(far);
    await worker().ready();
  },
  "TASK.REPEAT": async ({ q, near, lose }) => {
    lose(near);
    const due = await q.every("1h", "sweep");
    assert.ok(due.getTime() > Date.now());
    assert.equal((await server.call("TASK.REPEATS", q.name))[1].length, 1);
  },
  "TASK.REPEATS": removed,
  "TASK.UNREPEAT": removed,
  "TASK.STATS": async ({ q, near, lose }) => {
    await q.add("x");
    lose(near);
    assert.equal((await q.stats()).ready_tasks, 1);
  },
  "TASK.PAUSE": async ({ q, near, count, lose }) => {
    lose(near);
    await q.pause();
    assert.equal(await count("paused_until"), -1);
  },
  "TASK.RESUME": async ({ q, near, count, lose }) => {
    await q.pause();
    lose(near);
    await q.resume();
    assert.notEqual(await count("paused_until"), -1);
  },
  "TASK.MRESULT": async ({ q, near, far, worker, lose }) => {
    worker();
    const first = await q.add("x", { i: 1 });
    lose(near);
    assert.deepEqual(await first.result({ timeout: "20s" }), { i: 1 });
    // A worker asks for those that a task needs.
    lose(far);
    assert.deepEqual(await (await q.chain([["x", 1], ["x", {}]])).result({ timeout: "20s" }), { result: 1 });
  },
  XREVRANGE: eventSeen,
  XREAD: eventSeen,
  "CLIENT ID": async ({ q, near, far, worker, lose }) => {
    lose(far);
    worker();
    const job = await q.add("x", { i: 1 });
    lose(near);
    assert.deepEqual(await job.result({ timeout: "20s" }), { i: 1 });
  },
  "CLIENT UNBLOCK": async ({ q, near, far, count, waits, worker, lose }) => {
    const [first, second] = await q.addMany("x", [{ i: 1 }, { i: 2 }]);
    const results = [first!.result({ timeout: "20s" })];
    await until("it waits for results", () => waits("task.mresult"));
    lose(near);
    results.push(second!.result({ timeout: "20s" }));
    const w = worker();
    assert.deepEqual(await Promise.all(results), [{ i: 1 }, { i: 2 }]);
    await until("it waits for tasks", async () => (await count("waiting_clients")) === 1);
    lose(far);
    await w.close();
  },
  "TASK.CLAIM": ended("x"),
  "TASK.LIST": claimedUnheard,
  "TASK.UNCLAIM": claimedUnheard,
  "TASK.ACK": ended("x"),
  "TASK.MACK": ended("silent"),
  "TASK.FAIL": ended("again"),
  "TASK.EXTEND": ended("progress"),
  "TASK.MEXTEND": ended("long"),
  "HB.BEAT": async (stage) => {
    await ended("long")(stage);
    stage.lose(stage.near);
    await leads(stage, () => until("it beats", () => stage.near.lost === 1));
  },
  "TASK.RELEASE": async ({ q, far, worker, lose, runs }) => {
    const w = worker();
    const job = await q.add("endless");
    await until("it runs", () => runs.get(job.id));
    lose(far);
    await w.close({ grace: 0 });
    assert.deepEqual([(await job.state())?.state, (await job.state())?.attempt], ["ready", 0]);
  },
  "PID.REGISTER": async (stage) => {
    await ended("x")(stage);
    stage.lose(stage.near);
    await leads(stage);
  },
  "PID.DEREGISTER": async ({ q, far, worker, lose }) => {
    const w = worker({ name: "leaves" });
    await w.ready();
    lose(far);
    await w.close();
    assert.equal(await server.call("PID.GET", q.name, "leaves"), null);
  },
  "HB.CAMPAIGN": async (stage) => {
    stage.lose(stage.near);
    await leads(stage);
  },
  "PID.LIST": registered,
  "PID.GET": registered,
  "HB.FENCED": async ({ q, far, lose }) => {
    await lead(`{${q.name}}lead`, async (epoch) => {
      lose(far);
      // It may not be done twice, and nobody knows whether it was done.
      await assert.rejects(epoch.fenced("INCR", `{${q.name}}n`), Unreachable);
      assert.equal(await epoch.fenced("GET", `{${q.name}}n`), "1");
    }, { url: far.url, ttl: "5s" });
  },
  // In a cluster it tells where a queue is.
  "TASK.RESULT": async ({ q, far, lose }) => {
    lose(far);
    const url = far.url.replace("redis:", "redis+cluster:");
    await using queue = new Queue(q.name, { url });
    assert.equal((await queue.stats()).ready_tasks, 0);
  },
};

/** A task that is added twice is there once, also if it has ended before it is added again. */
function added(add: (q: Queue) => Promise<Job<any>>, tasks: number): Row {
  return async ({ q, near, worker, count, lose, runs }) => {
    await worker().ready();
    lose(near);
    assert.equal((await (await add(q)).result({ timeout: "20s" })).i, 1);
    lose(near, undefined, () => until("it ended", async () => (await count("acked_total")) === 2 * tasks));
    assert.equal((await (await add(q)).result({ timeout: "20s" })).i, 1);
    assert.equal(await count("scheduled_total"), 2 * tasks);
    assert.deepEqual([...runs.values()], Array(2 * tasks).fill(1));
  };
}

/** A task runs as often as it has to, and its result is told. */
function ended(kind: string): Row {
  return async ({ q, far, worker, count, lose, runs }) => {
    lose(far);
    await worker().ready();
    const job = await q.add(kind, { i: 1 }, { backoff: 20 });
    assert.deepEqual(await job.result({ timeout: "30s" }), kind === "silent" ? undefined : { i: 1 });
    assert.equal(runs.get(job.id), kind === "again" ? 2 : 1);
    assert.equal(await count("dead_total"), 0);
    // One that is handed over on the connection that breaks is given back, before its handler has run.
    if (kind === "long") assert.equal(await count("lost_total"), 0);
  };
}

async function removed({ q, near, lose }: Parameters<Row>[0]): Promise<void> {
  await q.every("1h", "sweep", {}, { owner: "app" });
  lose(near);
  await q.recurring("app", {});
  assert.equal((await server.call("TASK.REPEATS", q.name))[1].length, 0);
}

async function eventSeen({ q, near, waits, lose }: Parameters<Row>[0]): Promise<void> {
  lose(near);
  const events = q.events({ timeout: "20s" });
  const seen = events.next();
  await until("it waits", () => waits("xread"));
  const job = await q.add("x", {}, { delay: "1h" });
  await job.cancel();
  const { value } = await seen;
  assert.deepEqual([value?.type, value?.id], ["cancelled", job.id]);
  await events.return();
}

/** A claim whose reply was lost is given back, long before its lease is over. */
async function claimedUnheard({ q, far, worker, lose, runs }: Parameters<Row>[0]): Promise<void> {
  lose(far, "TASK.CLAIM");
  lose(far);
  await worker({ ttl: "60s" }).ready();
  const job = await q.add("x", { i: 1 });
  assert.deepEqual(await job.result({ timeout: "20s" }), { i: 1 });
  assert.equal(runs.get(job.id), 1);
}

/** One that leads goes on leading. */
async function leads({ q, near }: Parameters<Row>[0], meanwhile: () => Promise<void> = async () => {}): Promise<void> {
  await lead(`${q.name}-lead`, async (epoch) => {
    const first = epoch.value;
    await meanwhile();
    assert.equal(epoch.value, first);
  }, { url: near.url, ttl: "5s", cut: "2s" });
}

async function registered({ q, near, lose }: Parameters<Row>[0]): Promise<void> {
  await using _ = await register(q.name, { url: near.url, name: "m", meta: { port: "8000" } });
  lose(near);
  assert.deepEqual((await members(q.name, { url: near.url })).map(({ name, meta }) => [name, meta]), [["m", { port: "8000" }]]);
}

const seen = new Set<string>();

for (const [command, row] of Object.entries(rows))
  test(`the reply of ${command} is lost`, () =>
    Stage.run(server, async (stage) => {
      const networks = [stage.near, stage.far];
      let wanted = 0;
      const lose: Lose = (network, name = command, then) => {
        wanted++;
        network.loseReplyOf(name, then);
      };
      await row(Object.assign(stage, { lose }));
      await until("all are lost", () => networks.reduce((sum, network) => sum + network.lost, 0) === wanted);
      for (const network of networks) for (const name of network.sent) seen.add(name);
    }));

test("no command is sent that has no row", () => {
  const known = new Set(Object.keys(rows).map((name) => name.split(" ")[0]));
  // That of ioredis, when it connects.
  known.add("HELLO");
  const folder = join(ROOT, "clients/node/src");
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), "utf8");
    for (const [, name] of text.matchAll(/"((?:TASK|PID|HB)\.[A-Z]+)"/g)) seen.add(name!);
    for (const [, name] of text.matchAll(/(?:\bcalls?\((?:\w[\w.]*, )?|\[\[)"([A-Z]+)"/g)) seen.add(name!);
  }
  assert.deepEqual([...seen].filter((name) => !known.has(name)), []);
  assert.deepEqual([...known].filter((name) => !seen.has(name!)), []);
});
