/** Real servers with the module, started by the tests. */

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Redis } from "ioredis";

/** The folder of the repository. */
export const ROOT = resolve(import.meta.dirname, "../../../..");

/** The module: that of STEWARD_MODULE, or the one that was built last. */
export function module(): string {
  if (process.env.STEWARD_MODULE) return process.env.STEWARD_MODULE;
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const built = ["release", "debug", "debug/deps"]
    .flatMap((kind) => ["so", "dylib"].map((ending) => join(target, kind, `libsteward.${ending}`)))
    .filter((path) => existsSync(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (!built[0]) throw new Error("the module is not built: make build");
  return built[0];
}

/** The program of the server: that of STEWARD_SERVER, or the one on the path. */
export function binary(): string {
  return process.env.STEWARD_SERVER || onPath("redis-server", "valkey-server");
}

/** Runs the program for the shell, with which every server talks, and returns what it prints. */
export function cli(...words: string[]): string {
  return execFileSync(onPath("redis-cli", "valkey-cli"), words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

/** The first of these programs that there is. */
function onPath(...names: string[]): string {
  const script = names.map((name) => `command -v ${name}`).join(" || ");
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).trim();
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** A server on a port of its own, with its data in a folder that goes with it. */
export class TestServer {
  readonly folder = mkdtempSync(join(tmpdir(), "steward-node-"));
  redis!: Redis;
  private process!: ChildProcess;

  private constructor(
    readonly port: number,
    private readonly settings: string[],
  ) {}

  static async start(...settings: string[]): Promise<TestServer> {
    const server = new TestServer(await freePort(), settings);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const words = ["--port", `${this.port}`, "--dir", this.folder, "--save", "", "--appendonly", "yes"];
    words.push("--appendfsync", "always", "--loadmodule", module());
    for (const setting of this.settings) words.push(...setting.split(" "));
    this.process = spawn(binary(), words, { stdio: "ignore" });
    this.redis = new Redis({ port: this.port, host: "127.0.0.1", lazyConnect: true, retryStrategy: () => 20 });
    this.redis.on("error", () => {});
    try {
      await this.redis.ping();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The reply to a command; a map is a flat array. */
  call(...words: (string | number)[]): Promise<any> {
    return this.redis.call(String(words[0]), words.slice(1));
  }

  /** The tasks of a queue in a state: `ready_tasks` and the like. */
  async count(queue: string, name: string): Promise<number> {
    const reply = await this.call("TASK.STATS", queue);
    return Number(reply[reply.indexOf(name) + 1]);
  }

  get pid(): number {
    return this.process.pid!;
  }

  async kill(): Promise<void> {
    this.redis.disconnect();
    if (this.process.signalCode || this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGKILL");
    await ended;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Polls until something is so. */
export async function until(what: string, holds: () => unknown, patience = 30_000): Promise<void> {
  const end = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A server, and the port for clients. */
export interface Node {
  server: TestServer;
  port: number;
}

export async function startNode(...settings: string[]): Promise<Node> {
  const server = await TestServer.start(...settings);
  return { server, port: server.port };
}

/** A cluster of three nodes. Their buses have ports of their own, as those of the servers plus 10,000 may not exist. */
export async function startCluster(start = startNode, words: string[] = []): Promise<{ url: string; nodes: Node[]; close(): Promise<void> }> {
  const buses = await Promise.all([1, 2, 3].map(freePort));
  const nodes = await Promise.all(buses.map((bus) => start("--cluster-enabled yes", `--cluster-port ${bus}`)));
  const close = async () => void (await Promise.all(nodes.map(({ server }) => server.close())));
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`);
  try {
    const places = hosts.map((host, index) => `${host}@${buses[index]}`);
    cli(...words, "--cluster", "create", ...places, "--cluster-yes");
    for (const { server } of nodes) await until("it is up", async () => String(await server.call("CLUSTER", "INFO")).includes("cluster_state:ok"));
  } catch (error) {
    await close();
    throw error;
  }
  return { url: `redis+cluster://${hosts[0]},${hosts[1]}`, nodes, close };
}
