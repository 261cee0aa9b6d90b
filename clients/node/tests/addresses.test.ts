import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Queue, Worker, type ServerOptions } from "steward-redis";
import { parseAddress } from "#dist/address.js";
import { binary, cli, freePort, startCluster, startNode, TestServer, until, type Node } from "./servers.js";

/** Adds tasks to queues of all sorts of slots, does them, and asks for their results. */
async function works(options: ServerOptions, queues: readonly string[] = ["a", "b"]): Promise<void> {
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

test("another database, and a unix socket", async () => {
  const server = await TestServer.start("--unixsocket s.sock");
  try {
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

/** A certificate that its owner and all others trust, and what a server is told of it. */
class Certificate {
  private readonly folder = mkdtempSync(join(tmpdir(), "steward-tls-"));

  constructor() {
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
    const files = ["-keyout", this.at("key"), "-out", this.at("cert"), "-days", "2"];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files, ...subject], { stdio: "ignore" });
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  get ca(): string {
    return readFileSync(this.at("cert"), "utf8");
  }

  get settings(): string[] {
    const files = [`tls-cert-file ${this.at("cert")}`, `tls-key-file ${this.at("key")}`, `tls-ca-cert-file ${this.at("cert")}`];
    return [...files, "tls-auth-clients no", "tls-replication yes"];
  }

  /** The words of the program that makes a cluster. */
  get words(): string[] {
    return ["--tls", "--cacert", this.at("cert")];
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** A server with a port for TLS besides, if there is a certificate; and the port for clients. */
async function start(certificate?: Certificate, ...settings: string[]): Promise<Node> {
  if (!certificate) return startNode(...settings);
  const port = await freePort();
  const all = [`tls-port ${port}`, "tls-cluster yes", ...certificate.settings].map((setting) => `--${setting}`);
  return { server: await TestServer.start(...all, ...settings), port };
}

for (const scheme of ["redis", "rediss"]) {
  const certificate = () => (scheme === "rediss" ? new Certificate() : undefined);
  const options = (certificate?: Certificate) => (certificate ? { tls: { ca: certificate.ca } } : {});

  test(`${scheme}: one server, RESP2 and RESP3`, async () => {
    const trusted = certificate();
    const { server, port } = await start(trusted);
    try {
      for (const protocol of [2, 3] as const)
        await works({ url: `${scheme}://localhost:${port}`, redis: { ...options(trusted), protocol } }, [`resp${protocol}`]);
    } finally {
      await server.close();
      trusted?.close();
    }
  });

  test(`${scheme}+cluster: each queue on its node, RESP2 and RESP3`, async () => {
    const trusted = certificate();
    const cluster = await startCluster((...settings) => start(trusted, ...settings), trusted?.words);
    try {
      const url = cluster.url.replace("redis+", `${scheme}+`);
      for (const [protocol, queues] of [[2, ["mail", "news", "{app}sums"]], [3, ["index", "video", "other"]]] as const)
        await works({ url, redis: { ...options(trusted), protocol } }, queues);
      const keys = await Promise.all(cluster.nodes.map(({ server }) => server.call("DBSIZE")));
      assert.ok(keys.every((count) => count > 0), String(keys));
    } finally {
      await cluster.close();
      trusted?.close();
    }
  });

  test(`${scheme}+sentinel: a failover is survived, RESP2 and RESP3`, async () => {
    const trusted = certificate();
    const [primary, replica] = [await start(trusted), await start(trusted)];
    const port = await freePort();
    const config = join(primary.server.folder, "sentinel.conf");
    writeFileSync(config, [
      ...(trusted ? ["port 0", `tls-port ${port}`, ...trusted.settings] : [`port ${port}`]),
      `dir ${primary.server.folder}`, `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
      "sentinel down-after-milliseconds main 500", "sentinel failover-timeout main 3000",
    ].join("\n"));
    await replica.server.call("REPLICAOF", "127.0.0.1", primary.port);
    const sentinel = spawn(binary(), [config, "--sentinel"], { stdio: "ignore" });
    const url = `${scheme}+sentinel://127.0.0.1:${port}/main`;
    // One in each protocol.
    const pairs = ([2, 3] as const).map((protocol) => {
      const all = { url, redis: { ...options(trusted), protocol } };
      return { q: new Queue(`resp${protocol}`, all), w: new Worker(`resp${protocol}`, (task) => task.data, { ...all, signals: [], log: () => {} }) };
    });
    const echo = async (text: string) => {
      for (const { q } of pairs) assert.equal(await (await q.add("echo", text)).result({ timeout: "40s" }), text);
    };
    try {
      await until("the replica is known", async () => String(await primary.server.call("INFO", "replication")).includes("state=online"));
      await echo("before");
      await until("the sentinel knows the replica", async () => {
        return cli("-p", `${port}`, ...(trusted?.words ?? []), "SENTINEL", "replicas", "main").includes(`${replica.port}`);
      });
      await primary.server.kill();
      await echo("after");
    } finally {
      for (const { q, w } of pairs) await Promise.all([w.close({ grace: 100 }), q.close()]);
      sentinel.kill("SIGKILL");
      await replica.server.close();
      await primary.server.close();
      trusted?.close();
    }
  });
}
