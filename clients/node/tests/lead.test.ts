import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { Fenced, lead, LeadLost } from "steward-redis";
import { Proxy } from "./proxy.js";
import { TestServer, until } from "./servers.js";

let server: TestServer;
before(async () => void (server = await TestServer.start()));
after(() => server.close());

test("one leads at a time, the next when it has ended, with a larger epoch", async () => {
  const epochs: number[] = [];
  let leading = 0;
  const run = () => lead("report", async (epoch) => {
    assert.equal(++leading, 1);
    epochs.push(epoch.value);
    assert.equal(await epoch.fenced("SET", "{report}day", "monday"), "OK");
    await sleep(50);
    leading--;
    return "done";
  }, { url: server.url });
  assert.deepEqual(await Promise.all([run(), run(), run()]), ["done", "done", "done"]);
  assert.deepEqual(epochs, [...epochs].sort());
  assert.equal(new Set(epochs).size, 3);
});

test("who does not lead any more is told, and refused", async () => {
  let first: unknown;
  const leading = lead("fence", async (epoch, signal) => {
    const { value } = epoch;
    await server.call("PID.EVICT", "fence", "a");
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    first = signal.reason;
    await assert.rejects(epoch.fenced("SET", "{fence}x", 1), Fenced);
    return value;
  }, { url: server.url, name: "a" });
  await assert.rejects(leading, LeadLost);
  assert.ok(first instanceof LeadLost);
});

test("a leader that does not hear the server for 60 % of the TTL is told before another may lead", async () => {
  const proxy = await Proxy.start(server.port);
  let cut = 0;
  let told = 0;
  const leading = lead("fuse", async (_epoch, signal) => {
    // Data no longer pass, and nobody is told that the connection is dead.
    cut = Date.now();
    proxy.delay = 3_600_000;
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    told = Date.now();
  }, { url: proxy.url, ttl: "2s", name: "a" });
  await until("it leads", () => cut);
  const next = lead("fuse", () => Date.now(), { url: server.url });
  await assert.rejects(leading, LeadLost);
  assert.ok(told - cut <= 1700, `${told - cut}`);
  assert.ok((await next) >= told);
  proxy.close();
});

test("an error of the handler is that of lead, and the lead is given up", async () => {
  await assert.rejects(lead("error", () => { throw new RangeError("oh"); }, { url: server.url }), RangeError);
  assert.equal(await server.call("HB.LEADER", "error"), null);
});

test("who stands in line can leave", async () => {
  const stop = new AbortController();
  await lead("line", async () => {
    const second = lead("line", () => assert.fail("it leads"), { url: server.url, signal: stop.signal });
    setTimeout(() => stop.abort(new Error("not needed")), 100);
    await assert.rejects(second, /not needed/);
  }, { url: server.url });
});
