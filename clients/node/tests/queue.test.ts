import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BadPayload, Duplicate, lead, NotKept, Queue, register, QueueFull, ResultTimeout, ServerError, TaskFailed, Unencodable, Worker, Drop } from "steward-redis";
import { TestServer, until } from "./servers.js";

let server: TestServer;
const queues: Queue[] = [];
before(async () => void (server = await TestServer.start()));
after(async () => {
  for (const q of queues) await q.close();
  await server.close();
});

let number = 0;
function queue<T = any, R = any>(): Queue<T, R> {
  const q = new Queue<T, R>(`q${++number}`, { url: server.url });
  queues.push(q);
  return q;
}

test("a task is done and its result told", async () => {
  const q = queue<{ to: string }, string>();
  await using w = new Worker<{ to: string }, string>(q.name, (task) => `to ${task.data.to}`, { url: server.url });
  await w.ready();
  assert.equal(await (await q.add("send", { to: "ann" })).result({ timeout: "10s" }), "to ann");
});

test("many results are waited for at once, also those of tasks that are added meanwhile", async () => {
  const q = queue();
  await using _ = new Worker(q.name, (task) => task.data.i * 2, { url: server.url, concurrency: 50 });
  const first = (await q.addMany("double", Array.from({ length: 1500 }, (_, i) => ({ i })))).map((job) => job.result({ timeout: "30s" }));
  const more = (await q.addMany("double", [{ i: 2000 }])).map((job) => job.result({ timeout: "30s" }));
  assert.deepEqual(await Promise.all([...first, ...more]), [...Array.from({ length: 1500 }, (_, i) => i * 2), 4000]);
});

test("options of add are those of the server", async () => {
  const q = queue();
  const job = await q.add("send", { to: "ann" }, {
    delay: "10m", attempts: 5, backoff: "1s..10m", retain: "1h", priority: 3, group: "g", unique: "u", timeout: "3s", expire: "2h",
  });
  const reply = await server.redis.call("TASK.GET", q.name, job.id) as any[];
  const fields = Object.fromEntries(reply.flatMap((word, index) => (index % 2 ? [] : [[word, reply[index + 1]]])));
  assert.equal(fields.state, "scheduled");
  assert.equal(fields.kind, "send");
  assert.equal(fields.max_attempts, 5);
  assert.match(fields.backoff, /^EXPONENTIAL 1000 MAX 600000/);
  assert.equal(fields.priority, 3);
  assert.equal(fields.group, "g");
  assert.equal(fields.unique, "u");
  assert.equal(fields.payload, '{"steward":1,"meta":{"timeout_ms":3000},"data":{"to":"ann"}}');
  assert.ok(fields.due_at > Date.now() + 590_000);
  const at = new Date(Date.now() + 3_600_000);
  assert.deepEqual((await (await q.add("send", {}, { at })).state())?.dueAt, at);
});

test("an unknown option, a wrong duration and data that is not JSON are named", async () => {
  const q = queue();
  await assert.rejects(q.add("x", {}, { retires: 5 } as any), /unknown option retires/);
  await assert.rejects(q.every("1h", "x", {}, { delay: 5 } as any), /unknown option delay/);
  assert.throws(() => new Queue("x", { connection: {} } as any), /unknown option connection; known are url,/);
  assert.throws(() => new Worker("x", () => {}, { concurency: 5 } as any), /unknown option concurency/);
  await assert.rejects(lead("x", () => {}, { tls: 5 } as any), /unknown option tls/);
  await assert.rejects(register("x", { tls: 5 } as any), /unknown option tls/);
  await assert.rejects(q.add("x", {}, { delay: "10" }), /"10" is no duration/);
  await assert.rejects(q.add("x", {}, { delay: -1 }), /-1 is no duration/);
  await assert.rejects(q.add("x", {}, { replace: true }), /give unique as well/);
  await assert.rejects(q.add("x", { when: new Date() }), (error: Error) => error instanceof Unencodable && /"when" is a Date/.test(error.message));
});

test("the same id and data again change nothing, other data is a duplicate", async () => {
  const q = queue();
  await q.add("send", { to: "ann" }, { id: "a1", delay: "1h" });
  await q.add("send", { to: "ann" }, { id: "a1" });
  await assert.rejects(q.add("send", { to: "bob" }, { id: "a1" }), (error: Duplicate) => error instanceof Duplicate && error.code === "DUPLICATE" && error.id === "a1" && error.state === "scheduled");
});

test("a unique task is refused, or replaces the one that waits", async () => {
  const q = queue();
  const first = await q.add("index", { draft: 1 }, { unique: "page", delay: "1h" });
  await assert.rejects(q.add("index", { draft: 2 }, { unique: "page" }), Duplicate);
  const second = await q.add("index", { draft: 2 }, { unique: "page", replace: "keep", uniqueFor: "claim" });
  assert.equal(second.id, first.id);
  assert.equal((await second.state())?.state, "scheduled");
});

test("a task can be cancelled, and its result says so", async () => {
  const q = queue();
  const job = await q.add("send", {}, { delay: "1h" });
  assert.equal(await job.cancel("not needed"), true);
  await assert.rejects(job.result(), (error: TaskFailed) => error.state === "cancelled" && error.error === "not needed");
  assert.equal(await (await q.add("send", {}, { id: "none" })).cancel(), true);
  assert.equal(await q.job("unknown").cancel(), false);
});

test("a result that is not kept is told at once, one that is late in time", async () => {
  const q = queue();
  await assert.rejects(q.job("unknown").result(), NotKept);
  const job = await q.add("send", {}, { delay: "1h" });
  await assert.rejects(job.result({ timeout: 50 }), ResultTimeout);
  assert.equal(await q.job("unknown").state(), null);
});

test("a task that was dropped failed, with its error", async () => {
  const q = queue();
  await using _ = new Worker(q.name, () => { throw new Drop("no such user"); }, { url: server.url });
  const job = await q.add("send");
  await assert.rejects(job.result({ timeout: "10s" }), (error: TaskFailed) => error.state === "dead" && error.error!.startsWith("Drop: no such user\n"));
});

test("limits, pause and numbers", async () => {
  const q = queue();
  await q.limit({ maxLength: 1, rate: "10/1s", concurrency: 2, group: 1 });
  await q.add("x");
  await assert.rejects(q.add("y"), (error: QueueFull) => error instanceof QueueFull && error instanceof ServerError && error.code === "QUEUEFULL");
  await q.pause();
  assert.equal((await q.stats()).paused_until, -1);
  await q.resume();
  assert.equal((await q.stats()).ready_tasks, 1);
});

test("events come as they happen", async () => {
  const q = queue();
  const seen = (async () => {
    for await (const event of q.events({ after: "0", timeout: "20s" })) return event;
    return undefined;
  })();
  const job = await q.add("send", {}, { delay: "1h" });
  await job.cancel("gone");
  const event = await seen;
  assert.equal(event?.type, "cancelled");
  assert.equal(event?.id, job.id);
  assert.equal(event?.kind, "send");
  assert.ok(Math.abs(event!.at.getTime() - Date.now()) < 20_000);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20);
  for await (const _ of q.events({ signal: stop.signal })) assert.fail("there is none");
});

test("recurring tasks of an owner that it does not define any more are removed", async () => {
  const q = queue();
  const next = await q.cron("0 9 * * MON-FRI", "digest", { of: "week" }, { tz: "Europe/Paris", overlap: "skip", owner: "other" });
  assert.ok(next > new Date());
  await q.every("10m", "sweep", {}, { owner: "app" });
  await q.recurring("app", { nightly: { cron: "30 2 * * *" }, early: { kind: "nightly", every: "1h", data: { is: "early" } } });
  const names = async () => ((await server.call("TASK.REPEATS", q.name))[1] as any[]).map((one) => one[1]).sort();
  assert.deepEqual(await names(), ["digest", "early", "nightly"]);
  await q.recurring("app", { nightly: { cron: "30 2 * * *" } });
  assert.deepEqual(await names(), ["digest", "nightly"]);
  await q.unrepeat("digest");
  await q.unrepeat("digest");
  assert.deepEqual(await names(), ["nightly"]);
  await assert.rejects(q.recurring("app", { both: { cron: "@daily", every: 5 } }), /either cron or every/);
});

test("a recurring task runs with its kind and data", async () => {
  const q = queue();
  let seen: unknown;
  await using _ = new Worker(q.name, (task) => void (seen = [task.kind, task.data]), { url: server.url });
  await q.every("1s", "sweep", { days: 3 });
  await until("it ran", () => seen);
  assert.deepEqual(seen, ["sweep", { days: 3 }]);
});

test("a chain hands results on, a chord collects them", async () => {
  const q = queue();
  await using _ = new Worker(q.name, {
    add: (task) => task.data.a + (task.data.result ?? task.data.b),
    total: (task) => task.data.results.reduce((sum: number, one: number) => sum + one, 0) + (task.data.more ?? 0),
  }, { url: server.url });
  const chain = await q.chain<number>([["add", { a: 1, b: 2 }], ["add", { a: 10 }], ["add", { a: 100 }]]);
  assert.equal(await chain.result({ timeout: "20s" }), 113);
  const adds = Array.from({ length: 10 }, (_, i) => ["add", { a: i, b: i }] as const);
  assert.equal(await (await q.chord<number>(adds, ["total", { more: 0.5 }])).result({ timeout: "20s" }), 90.5);
  await assert.rejects(q.chain([["add", { a: 1 }], ["add", 5]]), /must be an object/);
  await assert.rejects(q.chain([]), /at least one/);
});

test("of a flow that is refused nothing is left", async () => {
  const q = queue();
  await q.limit({ maxLength: 2 });
  await assert.rejects(q.chain([["a"], ["b"], ["c"]]), QueueFull);
  assert.equal((await q.stats()).ready_tasks, 0);
  assert.equal((await q.stats()).blocked_tasks, 0);
});

test("what a task needs and is not kept any more fails it", async () => {
  const q = queue();
  let error = "";
  await using _ = new Worker(q.name, () => "never", { url: server.url });
  await server.call("TASK.SCHEDULE", q.name, '{"steward":1,"meta":{"results":{"x":"gone"}},"data":{}}', "ID", "t", "ATTEMPTS", 1);
  await until("it is dead", async () => (error = (await q.job("t").state())?.error ?? ""));
  assert.ok(error.startsWith(`${BadPayload.name}: the result of task gone`), error);
});

test("what a handler adds belongs to its trace", async () => {
  const q = queue();
  await using _ = new Worker(q.name, {
    outer: async () => (await q.add("inner")).id,
    inner: (task) => task.meta,
  }, { url: server.url });
  const outer = await q.add("outer", {}, { meta: { traceparent: "00-4b", tracestate: "a=1", own: 1 } });
  const inner = q.job(String(await outer.result({ timeout: "10s" })));
  assert.deepEqual(await inner.result({ timeout: "10s" }), { traceparent: "00-4b", tracestate: "a=1" });
});

test("meta of a hook comes to the worker", async () => {
  const q = new Queue(`meta`, { url: server.url, onAdd: (_kind, _data, meta) => void (meta.traceparent = "00-4b") });
  queues.push(q);
  await using _ = new Worker(q.name, (task) => task.meta, { url: server.url });
  assert.deepEqual(await (await q.add("x")).result({ timeout: "10s" }), { traceparent: "00-4b" });
});
