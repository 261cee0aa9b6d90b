/** A server, or several as one address: calls that are sent again until they are heard, and connections of one's own. */

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { RedisOptions } from "ioredis";
import { parseAddress, parseHost, type Address, type Host } from "./address.js";
import { ServerError, Unreachable } from "./errors.js";
import { Broken, isPassing, Link, type Reply, type Word } from "./link.js";
import { now, Pause } from "./times.js";

/** For how long a call is sent again, in ms. RETAIN, the time in which a repeat is recognised, is longer. */
const RESEND = 30_000;

/** Where the server is.
 * @example
 * const there: ServerOptions = { url: "rediss://localhost", redis: { tls: { rejectUnauthorized: false } } };
 * const mail = new Queue("mail", there);
 */
export interface ServerOptions {
  /** The address, `REDIS_URL` or `redis://localhost` if not given; see docs/steward.md for all forms. */
  url?: string;
  /** More options of ioredis for each connection, such as `tls`: plain data, as they go to a thread too. */
  redis?: RedisOptions | undefined;
}

/** What the queues of one address share: a connection for commands, one for each node of a cluster. */
export class Server {
  private readonly address: Address;
  private readonly links = new Map<string, Promise<Link>>();
  private readonly nodes = new Map<string, Host>();
  private users = 1;
  private isSilent = false;

  constructor(readonly options: ServerOptions = {}) {
    this.address = parseAddress(options.url ?? process.env.REDIS_URL ?? "redis://localhost");
  }

  /** The one that others of this process use for the same address. */
  static shared(options: ServerOptions): Server {
    const key = options.url ?? process.env.REDIS_URL ?? "redis://localhost";
    // Options that are not the same object may be others.
    const same = all.find((one) => one.key === key && one.server.options.redis === options.redis);
    if (same) {
      same.server.users++;
      return same.server;
    }
    // A thread may be given no more of the options of a queue or worker.
    const server = new Server({ url: key, redis: options.redis });
    all.push({ key, server });
    return server;
  }

  /** A new connection to the node of a queue or a service. */
  async open(name: string): Promise<Link> {
    const { form, hosts, options } = this.address;
    const all: RedisOptions = { ...options, ...this.options.redis };
    if (form === "unix") return Link.open(all);
    if (form === "redis") return Link.open({ ...all, ...hosts[0]! });
    if (form === "redis+sentinel")
      return Link.open({ ...all, sentinels: hosts, enableTLSForSentinelMode: !!all.tls, sentinelTLS: all.tls as any });
    return this.openNode(name, all);
  }

  private async openNode(name: string, options: RedisOptions): Promise<Link> {
    let failure: unknown = new Broken("no node");
    for (const host of [this.nodes.get(tag(name)), ...this.address.hosts]) {
      if (!host) continue;
      try {
        const link = await Link.open({ ...options, ...host });
        const where = await moved(link, name);
        if (!where) return link;
        link.close();
        this.nodes.set(tag(name), where.host ? where : { ...where, host: host.host });
        return await Link.open({ ...options, ...this.nodes.get(tag(name))! });
      } catch (error) {
        this.nodes.delete(tag(name));
        failure = error;
      }
    }
    throw failure;
  }

  /** Sends a command about a queue or service until it is heard. Only for what may be sent again. */
  async call(name: string, ...words: Word[]): Promise<Reply> {
    return (await this.calls(name, [words]))[0];
  }

  /** The same for several in one write; the first error is thrown. */
  async calls(name: string, commands: Word[][]): Promise<Reply[]> {
    const pause = new Pause();
    const until = now() + RESEND;
    for (;;) {
      try {
        const replies = await this.once(name, commands);
        this.isSilent = false;
        return replies;
      } catch (error) {
        if (!isPassing(error)) throw error;
        const length = pause.length();
        if (length > 500 && !this.isSilent) {
          this.isSilent = true;
          process.emitWarning(`steward: no answer from the server yet: ${(error as Error).message}`);
        }
        if (now() + length > until)
          throw new Unreachable(`${commands[0]![0]} was not heard for ${RESEND / 1000} s: ${(error as Error).message}`);
        await sleep(length);
      }
    }
  }

  /** Sends commands once, over the shared connection. */
  async once(name: string, commands: Word[][]): Promise<Reply[]> {
    const link = await this.link(name);
    try {
      return await link.together(() => Promise.all(commands.map((words) => link.call(...words))));
    } catch (error) {
      // The server is another one's replica now, or the name has moved.
      if (error instanceof ServerError && isPassing(error)) link.close();
      throw error;
    }
  }

  private link(name: string): Promise<Link> {
    const key = this.address.form === "redis+cluster" ? tag(name) : "";
    const known = this.links.get(key);
    if (known) return known;
    const opened = this.open(name);
    this.links.set(key, opened);
    const forget = () => this.links.get(key) === opened && this.links.delete(key);
    opened.then((link) => (link.isOpen ? (link.onclose = forget) : forget()), forget);
    return opened;
  }

  /** Closes the shared connections when nobody of this process uses them any more. */
  async close(): Promise<void> {
    if (--this.users > 0) return;
    const index = all.findIndex((one) => one.server === this);
    if (index >= 0) all.splice(index, 1);
    for (const link of [...this.links.values()]) await link.then((one) => one.close()).catch(() => {});
  }
}

const all: { key: string; server: Server }[] = [];

/** Where a name is, if it is not here: what every user may ask is answered so. */
async function moved(link: Link, name: string): Promise<Host | undefined> {
  try {
    await link.call("TASK.RESULT", name, "-");
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    if (error.code !== "MOVED") return undefined;
    // The host may be empty, that of the one who says so.
    const [, host, port] = /^MOVED \d+ (.*):(\d+)/.exec(error.message) ?? [];
    return host ? parseHost(`[${host}]:${port}`, 6379) : { host: "", port: Number(port) };
  }
  return undefined;
}

/** What decides the slot of a name. */
function tag(name: string): string {
  return /\{([^}]+)\}/.exec(name)?.[1] ?? name;
}

const prefix = randomBytes(8).toString("hex");
let count = 0;

/** An id that no other process makes. */
export function newId(): string {
  return `${prefix}-${(++count).toString(16)}`;
}
