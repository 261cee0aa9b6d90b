import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Queue, Worker, type ServerOptions } from "steward-redis";
import { parseAddress } from "#dist/address.js";
import { binary, freePort, startCluster, TestServer, until } from "./servers.js";

/** Adds tasks to queues of all sorts of slots, does them, and asks for their results. */
async function works(options: ServerOptions, queues = ["a", "b"]): Promise<void> {
  for (const name of queues) {
    await using q = new Queue(name, options);
    await using w = new Worker(name, (task) => task.data, { ...options, signals: [] });
    await w.ready();
    assert.equal(await (await q.add("echo", "hello")).result({ timeout: "20s" }), "hello");
    const chain = await q.chain([["echo", { a: 1 }], ["echo", { b: 2 }]]);
    assert.deepEqual(await chain.result({ timeout: "20s" }), { b: 2, result: { a: 1 } });
  }
}

test("all forms of addresses are read", () => {
  assert.deepEqual(parseAddress("redis://"), { form: "redis", hosts: [{ host: "localhost", port: 6379 }], options: { db: 0 } });
  assert.deepEqual(parseAddress("rediss://me:s%40:x@[::1]:7/2"), {
    form: "redis", hosts: [{ host: "::1", port: 7 }], options: { db: 2, tls: {}, username: "me", password: "s@:x" },
  });
  assert.deepEqual(parseAddress("unix://:pw@/run/a%20b?db=3"), { form: "unix", hosts: [], options: { path: "/run/a b", db: 3, password: "pw" } });
  assert.deepEqual(parseAddress("redis+sentinel://s1,s2:7/main/2"), {
    form: "redis+sentinel", hosts: [{ host: "s1", port: 26379 }, { host: "s2", port: 7 }], options: { name: "main", db: 2 },
  });
  assert.deepEqual(parseAddress("rediss+cluster://a,b:1"), {
    form: "redis+cluster", hosts: [{ host: "a", port: 6379 }, { host: "b", port: 1 }], options: { tls: {} },
  });
  const wrong: [string, RegExp][] = [
    ["localhost", /none of the forms/], ["http://x", /unknown scheme "http"/], ["redis://a,b", /several hosts/], ["redis://:secret@h/x", /database/],
    ["redis+sentinel://a", /lacks the name/], ["redis+cluster://a/1", /only database 0/], ["redis://:secret@h:77777", /port/],
  ];
  for (const [text, error] of wrong)
    assert.throws(() => parseAddress(text), (thrown: Error) => error.test(thrown.message) && !thrown.message.includes("secret"), text);
});

test("RESP2, RESP3, another database, and a unix socket", async () => {
  const server = await TestServer.start("--unixsocket", "s.sock");
  try {
    await works({ url: server.url, redis: { protocol: 2 } });
    await works({ url: server.url, redis: { protocol: 3 } }, ["c"]);
    await works({ url: `${server.url}/3` });
    await works({ url: `unix://${server.folder}/s.sock?db=4` });
  } finally {
    await server.close();
  }
});

test("users with the rights of the manual", async () => {
  const server = await TestServer.start();
  try {
    const page = readFileSync(join(import.meta.dirname, "../../../../docs/reference/acl.md"), "utf8");
    for (const line of page.match(/^ACL SETUSER (producer|worker) .*$/gm)!) await server.call(...line.split(" "));
    const url = (user: string) => server.url.replace("//", `//${user}:change-me@`);
    await using q = new Queue("mail", { url: url("producer") });
    await using _ = new Worker("mail", (task) => task.data, { url: url("worker"), signals: [] });
    const results = (await q.addMany("x", [1, 2, 3])).map((job) => job.result({ timeout: "20s" }));
    assert.deepEqual(await Promise.all(results), [1, 2, 3]);
  } finally {
    await server.close();
  }
});

test("TLS", async () => {
  const port = await freePort();
  const server = await TestServer.start();
  const at = (name: string) => join(server.folder, name);
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", at("key"), "-out", at("cert"), "-days", "2", ...subject], { stdio: "ignore" });
  try {
    await server.call("CONFIG", "SET", "tls-cert-file", at("cert"), "tls-key-file", at("key"), "tls-ca-cert-file", at("cert"), "tls-auth-clients", "no", "tls-port", port);
    await works({ url: `rediss://localhost:${port}`, redis: { tls: { ca: readFileSync(at("cert"), "utf8") } } });
  } finally {
    await server.close();
  }
});

test("a cluster: each queue on its node", async () => {
  const cluster = await startCluster();
  try {
    await works({ url: cluster.url }, ["mail", "news", "{app}sums", "index", "video"]);
  } finally {
    await cluster.close();
  }
});

test("Sentinel: a failover is survived", async () => {
  const [primary, replica] = [await TestServer.start(), await TestServer.start()];
  await replica.call("REPLICAOF", "127.0.0.1", primary.port);
  const port = await freePort();
  const config = join(primary.folder, "sentinel.conf");
  writeFileSync(config, [
    `port ${port}`, `dir ${primary.folder}`, `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
    "sentinel down-after-milliseconds main 500", "sentinel failover-timeout main 3000",
  ].join("\n"));
  const sentinel = spawn(binary(), [config, "--sentinel"], { stdio: "ignore" });
  try {
    await until("the replica is known", async () => String(await primary.call("INFO", "replication")).includes("state=online"));
    const url = `redis+sentinel://127.0.0.1:${port}/main`;
    await using q = new Queue("mail", { url });
    await using w = new Worker("mail", (task) => task.data, { url, signals: [], log: () => {} });
    await w.ready();
    assert.equal(await (await q.add("echo", "before")).result({ timeout: "20s" }), "before");
    await until("the sentinel knows the replica", async () => {
      const cli = binary().replace(/server$/, "cli");
      return execFileSync(cli, ["-p", `${port}`, "SENTINEL", "replicas", "main"], { encoding: "utf8" }).includes(`${replica.port}`);
    });
    await primary.kill();
    assert.equal(await (await q.add("echo", "after")).result({ timeout: "40s" }), "after");
  } finally {
    sentinel.kill("SIGKILL");
    await replica.close();
    await primary.close();
  }
});
