import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Queue, Worker } from "steward-redis";
import { TestServer } from "./servers.js";

let server: TestServer;
before(async () => void (server = await TestServer.start()));
after(() => server.close());

test("a task is done and its result told", async () => {
  await using q = new Queue<{ to: string }, string>("mail", { url: server.url });
  await using w = new Worker<{ to: string }, string>("mail", (task) => `to ${task.data.to}`, { url: server.url });
  await w.ready();
  const job = await q.add("send", { to: "ann" });
  assert.equal(await job.result({ timeout: "10s" }), "to ann");
});
