/** Leader election. */

import { LeadLost, ServerError, Unreachable } from "./errors.js";
import { Kept, newName, type Heard } from "./kept.js";
import { Broken, text, type Word } from "./link.js";
import { checkNames } from "./options.js";
import { Server, type ServerOptions } from "./server.js";
import { milliseconds, now, type Duration } from "./times.js";

/** What one who wants to lead may say.
 * @example
 * const options: LeadOptions = { ttl: "15s", cut: "500ms", name: "report-1" };
 * await lead("report", () => {}, options);
 */
export interface LeadOptions extends ServerOptions {
  /** How long the server may be unable to hear us before another one leads, `"15s"` if not given. */
  ttl?: Duration;
  /** How long it waits when only the connection was closed, `"500ms"` if not given: time to connect again. The next one
   * waits as long when the process is killed. With 0 it does not, and two may lead for moments. */
  cut?: Duration;
  /** The name in the register; made if not given. */
  name?: string;
  /** Gives up the lead, or the place in line. */
  signal?: AbortSignal;
}

/** The fencing token of the leader. A failover of the server gives it another.
 * @example
 * await lead("report", async (epoch: Epoch) => {
 *   console.log(`UPDATE reports SET epoch = ${epoch.value} WHERE epoch <= ${epoch.value}`);
 * });
 */
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

  /** Runs a Redis command in the same step in which the server checks that we lead; throws `Fenced` if not. It is sent
   * once: when the reply is lost, it throws `Unreachable`, and the command may have been run.
   * @example
   * await lead("report", (epoch) => epoch.fenced("SET", "{report}day", "monday")); // => "OK"
   */
  async fenced(...command: Word[]): Promise<unknown> {
    try {
      const [reply] = await this.server.once(this.service, [["HB.FENCED", this.service, this.value, ...command]]);
      return text(reply);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      throw new Unreachable(`nobody knows whether ${command[0]} was run: ${error.message}`);
    }
  }
}

/** Waits until this process leads the service, runs the handler, and steps down when that has ended. Its signal is
 * aborted when another may lead soon: what it does after that is not safe. Then, when it has ended, LeadLost is thrown.
 * @example
 * await lead("report", async (epoch, signal) => {
 *   while (!signal.aborted) {
 *     await epoch.fenced("SET", "{report}day", "monday");
 *     break;
 *   }
 * }, { ttl: "15s" });
 */
export async function lead<R>(
  service: string,
  handler: (epoch: Epoch, signal: AbortSignal) => R | Promise<R>,
  options: LeadOptions = {},
): Promise<R> {
  checkNames(options, "ttl cut name signal url redis");
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
  private fuse: NodeJS.Timeout | undefined;
  private elect!: (epoch: Epoch) => void;
  private refuse!: (error: Error) => void;

  constructor(
    private readonly service: string,
    private readonly options: LeadOptions,
  ) {
    const { name = newName(), ttl = "15s", cut = "500ms" } = options;
    this.elected = new Promise((resolve, reject) => ([this.elect, this.refuse] = [resolve, reject]));
    this.server = Server.shared(options);
    this.epoch = new Epoch(this.server, service);
    const times = { ttl: milliseconds(ttl), cut: milliseconds(cut) };
    const settings = { server: this.server.options, name, service, ...times, campaign: true, places: 0 };
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
    } else if (heard.what === "cut") {
      this.light();
    } else if (heard.what === "refused") {
      this.lose(ServerError.of(heard.text));
    } else if ((heard.what === "out" || heard.what === "behind") && this.epoch.value) {
      this.lose(new LeadLost(`this process does not lead ${this.service} any more`));
    }
  }

  /** The fuse burns as long as nothing is heard of the server. */
  private light(): void {
    clearTimeout(this.fuse);
    if (!this.epoch.value) return;
    const left = this.kept.deadline - now();
    if (left <= 0) return this.lose(new LeadLost(`the server was not heard: another may lead ${this.service} soon`));
    this.fuse = setTimeout(() => this.light(), left);
  }

  private lose(why: Error): void {
    this.controller.abort(why);
    this.refuse(why);
  }
}
