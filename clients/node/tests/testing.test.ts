import assert from "node:assert/strict";
import { test } from "node:test";
import { Drop, Queue, TaskFailed, Unencodable } from "steward-redis";
import { inline } from "steward-redis/testing";

// Nobody is there.
const url = "redis://localhost:1";

test("what is added runs at once, without a server", async () => {
  const q = new Queue<any, any>("tests", { url });
  const handlers = {
    outer: async (task: any) => (await q.add("double", { n: task.data.n })).result(),
    double: (task: any) => task.data.n * 2,
    fail: () => { throw new Drop("no"); },
    meta: (task: any) => task.meta,
  };
  using ran = inline(q, handlers);
  const job = await q.add("outer", { n: 2 }, { delay: "1h" });
  assert.equal(await job.result({ timeout: 10 }), 4);
  assert.equal((await job.state())?.state, "done");
  assert.equal(await job.cancel(), false);
  assert.deepEqual(ran.jobs.map(({ kind, data, state, result }) => [kind, data, state, result]), [
    ["double", { n: 2 }, "done", 4], ["outer", { n: 2 }, "done", 4],
  ]);
  const many = await q.addMany("double", [{ n: 1 }, { n: 2 }]);
  assert.deepEqual(await Promise.all(many.map((one) => one.result())), [2, 4]);
  const meta = { traceparent: "00-4b" };
  assert.deepEqual(await (await q.add("meta", {}, { meta })).result(), meta);

  const failed = await q.add("fail");
  await assert.rejects(failed.result(), (error: TaskFailed) => error.state === "dead" && error.error!.startsWith("Drop: no\n"));
  await assert.rejects((await q.add("none")).result(), /UnknownKind/);
  await assert.rejects(q.add("double", { n: new Date() }), Unencodable);
  await assert.rejects(q.add("double", { n: 1 }, { delay: "soon" }), /"soon" is no duration/);
});

test("chains and chords hand results on", async () => {
  const q = new Queue<any, any>("tests", { url });
  using _ = inline(q, {
    add: ({ data }) => data.a + (data.result ?? data.b),
    total: ({ data }) => data.results.reduce((sum: number, one: number) => sum + one, 0),
    fail: () => { throw new Error("no"); },
  });
  assert.equal(await (await q.chain([["add", { a: 1, b: 2 }], ["add", { a: 10 }], ["add", { a: 0, result: 5 }, { into: "a" }]])).result(), 18);
  assert.equal(await (await q.chord([["add", { a: 1, b: 2 }], ["add", { a: 3, b: 4 }]], ["total"])).result(), 10);
  await assert.rejects((await q.chain([["fail"], ["add", { a: 1 }]])).result(), TaskFailed);
});

test("afterwards the queue is as before", async () => {
  const q = new Queue("tests", { url });
  const { add } = q;
  inline(q, () => {})[Symbol.dispose]();
  assert.equal(q.add, add);
});
