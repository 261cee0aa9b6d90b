import assert from "node:assert/strict";
import { hostname } from "node:os";
import { after, before, test } from "node:test";
import { members, NotAllowed, register } from "steward-redis";
import { TestServer, until } from "./servers.js";

let server: TestServer;
before(async () => void (server = await TestServer.start()));
after(() => server.close());

test("a process is a member until it leaves", async () => {
  const { url } = server;
  const [b2, b1] = await Promise.all([register("billing", { url, name: "b2" }), register("billing", { url, name: "b1", meta: { port: "8000", zone: "ä" } })]);
  const common = { pid: process.pid, host: hostname(), state: "up", role: "member" };
  assert.deepEqual(await members("billing", { url }), [
    { ...common, name: "b1", meta: { port: "8000", zone: "ä" } },
    { ...common, name: "b2", meta: {} },
  ]);
  await b1.leave();
  assert.deepEqual((await members("billing", { url })).map(({ name }) => name), ["b2"]);
  await b2.leave();
  assert.deepEqual(await members("billing", { url }), []);
});

test("one that was evicted, or missed a restart of the server, comes back", async () => {
  const { url } = server;
  await using _ = await register("stays", { url, name: "a" });
  const isThere = async () => (await members("stays", { url }))[0]?.state === "up";
  await server.call("PID.EVICT", "stays", "a");
  await until("it is back", isThere);
  await server.restart();
  await until("it is back", isThere);
});

test("who has a name that is taken waits for it", async () => {
  const { url } = server;
  const first = await register("taken", { url, name: "a" });
  const calls = async () => Number(/cmdstat_pid\.register:calls=(\d+)/.exec(await server.redis.info("commandstats"))![1]);
  const before = await calls();
  let isSecond = false;
  const second = register("taken", { url, name: "a" }).then((one) => ((isSecond = true), one));
  await until("it asks again and again", async () => (await calls()) > before + 3);
  assert.equal(isSecond, false);
  await first.leave();
  await (await second).leave();
});

test("who may not register is told", async () => {
  await server.call("ACL", "SETUSER", "guest", "on", ">secret", "~*", "+@all", "-pid.register");
  await assert.rejects(register("billing", { url: server.url.replace("//", "//guest:secret@") }), NotAllowed);
});
