/** Leader election. */

import { LeadLost, ServerError } from "./errors.js";
import { Kept, newName, type Heard } from "./kept.js";
import type { Reply, Word } from "./link.js";
import { Server, type ServerOptions } from "./server.js";
import { milliseconds, now, type Duration } from "./times.js";

/** When the server was not heard for this part of the TTL, the leader is told. */
const FUSE = 0.6;

export interface LeadOptions extends ServerOptions {
  /** How long the server may be unable to hear us before another one leads, `"15s"` if not given. */
  ttl?: Duration;
  /** The name in the register; made if not given. */
  name?: string;
  /** Gives up the lead, or the place in line. */
  signal?: AbortSignal;
}

/** The fencing token of the leader. A failover of the server gives it another. */
export class Epoch {
  /** The number. It only grows from leader to leader. */
  value = 0;

  /** @internal */
  constructor(
    private readonly server: Server,
    private readonly service: string,
  ) {}

  valueOf(): number {
    return this.value;
  }

  toString(): string {
    return String(this.value);
  }

  /** Runs a Redis command in the same step in which the server checks that we lead; throws `Fenced` if not. */
  async fenced(...command: Word[]): Promise<Reply> {
    const [reply] = await this.server.once(this.service, [["HB.FENCED", this.service, this.value, ...command]]);
    return Buffer.isBuffer(reply) ? reply.toString() : reply;
  }
}

/** Waits until this process leads the service, runs the handler, and steps down when that has ended. Its signal is
 * aborted when another may lead soon: what it does after that is not safe. Then, when it has ended, LeadLost is thrown. */
export async function lead<R>(
  service: string,
  handler: (epoch: Epoch, signal: AbortSignal) => R | Promise<R>,
  options: LeadOptions = {},
): Promise<R> {
  options.signal?.throwIfAborted();
  const candidate = new Candidate(service, options);
  try {
    const epoch = await candidate.elected;
    const result = await handler(epoch, candidate.signal);
    candidate.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw candidate.signal.aborted ? candidate.signal.reason : error;
  } finally {
    await candidate.leave();
  }
}

class Candidate {
  readonly elected: Promise<Epoch>;
  private readonly controller = new AbortController();
  private readonly server: Server;
  private readonly epoch: Epoch;
  private readonly kept: Kept;
  private readonly fuseLength: number;
  private fuse: NodeJS.Timeout | undefined;
  private elect!: (epoch: Epoch) => void;
  private refuse!: (error: Error) => void;

  constructor(
    private readonly service: string,
    private readonly options: LeadOptions,
  ) {
    const ttl = milliseconds(options.ttl ?? "15s");
    this.fuseLength = ttl * FUSE;
    this.elected = new Promise((resolve, reject) => ([this.elect, this.refuse] = [resolve, reject]));
    this.server = Server.shared(options);
    this.epoch = new Epoch(this.server, service);
    const name = options.name ?? newName();
    const settings = { server: this.server.options, name, service, ttl, cut: 0, campaign: true, places: 0 };
    this.kept = new Kept(settings, (heard) => this.hear(heard));
    options.signal?.addEventListener("abort", this.onAbort);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  async leave(): Promise<void> {
    clearTimeout(this.fuse);
    this.options.signal?.removeEventListener("abort", this.onAbort);
    await this.kept.leave();
    await this.server.close();
  }

  private readonly onAbort = () => this.lose(this.options.signal!.reason);

  private hear(heard: Heard): void {
    if (heard.what === "leads") {
      this.epoch.value = heard.epoch;
      this.light();
      this.elect(this.epoch);
    } else if (heard.what === "refused") {
      this.lose(ServerError.of(heard.text));
    } else if ((heard.what === "out" || heard.what === "behind") && this.epoch.value) {
      this.lose(new LeadLost(`this process does not lead ${this.service} any more`));
    }
  }

  /** The fuse burns from the last time that the server has answered. */
  private light(): void {
    clearTimeout(this.fuse);
    const left = this.kept.heard + this.fuseLength - now();
    if (left <= 0) return this.lose(new LeadLost(`the server was not heard: another may lead ${this.service} soon`));
    this.fuse = setTimeout(() => this.light(), left);
  }

  private lose(why: Error): void {
    this.controller.abort(why);
    this.refuse(why);
  }
}
