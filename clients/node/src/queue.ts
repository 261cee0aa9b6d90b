/** A queue, for those who add tasks to it and look after it. */

import { Duplicate } from "./errors.js";
import { events, type Event, type EventOptions } from "./events.js";
import { addFlow, type Step } from "./flow.js";
import { Job } from "./job.js";
import type { DataOf, KindOf, ResultOf } from "./kinds.js";
import { fieldsOf, type Word } from "./link.js";
import { addWords, checkNames, type AddOptions } from "./options.js";
import { define, owned, type Definition, type RecurringOptions } from "./recurring.js";
import { Results } from "./results.js";
import { newId, Server, type ServerOptions } from "./server.js";
import { trace } from "./task.js";
import { milliseconds, type Duration } from "./times.js";
import { encode, type Encoder, type Meta } from "./wire.js";

/** What a queue may be told.
 * @example
 * const mail = new Queue("mail", {
 *   url: "redis://localhost",
 *   encoder: (value) => (value instanceof Date ? value.toISOString() : value),
 *   onAdd: (kind, data, meta) => void (meta.by = "web"),
 * } satisfies QueueOptions);
 */
export interface QueueOptions extends ServerOptions {
  /** Makes JSON of a value that is none, such as a Date. */
  encoder?: Encoder;
  /** Called before each task is added. It may put something into `meta`, such as `traceparent`. */
  onAdd?: (kind: string, data: unknown, meta: Meta) => void;
}

/** A call takes no more. */
const MOST = 1000;

/** Limits that hold over all workers; 0 takes one off.
 * @example
 * const limits: Limits = { concurrency: 4, rate: "10/1s", maxLength: 100_000 };
 * await q.limit(limits);
 */
export interface Limits {
  /** Most tasks that run at a time. */
  concurrency?: number;
  /** Most that start in a time: `"10/1s"`. */
  rate?: string;
  /** Most that wait or run; beyond it, add throws `QueueFull`. */
  maxLength?: number;
  /** Most of one group that run at a time. */
  group?: number;
}

/** A queue by its name. `T` is the type of the data, `R` that of the results; or `T` maps kinds to functions.
 * @example
 * const mail = new Queue<{ to: string }, string>("mail");
 * const job = await mail.add("send", { to: "ann" });
 * await mail.close();
 */
export class Queue<T = any, R = unknown> {
  private readonly server: Server;
  private readonly results: Results;

  constructor(
    readonly name: string,
    private readonly options: QueueOptions = {},
  ) {
    checkNames(options, "url redis encoder onAdd");
    this.server = Server.shared(options);
    this.results = new Results(this.server, name);
  }

  /** Adds a task. It is there once, however often the network makes us send it.
   * @example
   * const job = await q.add("send", { to: "ann" }, { attempts: 5, backoff: "1s..10m" });
   * await job.result(); // => "sent to ann"
   */
  async add<K extends KindOf<T>>(kind: K, data?: DataOf<T, K>, options: AddOptions = {}): Promise<Job<ResultOf<T, R, K>>> {
    const id = options.id ?? newId();
    const payload = this.encode(kind, data, options);
    const words = [payload, "KIND", kind, ...addWords(options)];
    try {
      return this.job(String(await this.schedule(id, words, options)));
    } catch (error) {
      // Ours came with an earlier try, and has been cancelled or is dead by now.
      if (error instanceof Duplicate && error.id === id && !options.id) return this.job(id);
      throw error;
    }
  }

  private async schedule(id: string, [payload, ...words]: Word[], { replace, id: given }: AddOptions): Promise<string> {
    const call = (id: string) => this.server.call(this.name, "TASK.SCHEDULE", this.name, payload!, "ID", id, ...words);
    try {
      return await call(id);
    } catch (error) {
      // One that is to be replaced is named by its own id.
      if (!replace || given || !(error instanceof Duplicate) || !/scheduled|ready|blocked/.test(error.state)) throw error;
      return await call(error.id);
    }
  }

  /** Adds tasks of one kind with the same options: all of them or none, of more than 1,000 a thousand at a time.
   * @example
   * const jobs = await q.addMany("send", [{ to: "ann" }, { to: "bob" }], { priority: 9 });
   * await Promise.all(jobs.map((job) => job.result())); // => ["sent to ann", "sent to bob"]
   */
  async addMany<K extends KindOf<T>>(
    kind: K,
    data: readonly DataOf<T, K>[],
    options: Omit<AddOptions, "id" | "unique" | "uniqueFor" | "replace"> & { ids?: readonly string[] } = {},
  ): Promise<Job<ResultOf<T, R, K>>[]> {
    const { ids = data.map(newId), ...more } = options;
    if (ids.length !== data.length) throw new TypeError(`${data.length} tasks have ${ids.length} ids`);
    const payloads = data.map((one) => this.encode(kind, one, more));
    const words = ["KIND", kind, ...addWords(more)];
    for (let begin = 0; begin < ids.length; begin += MOST) {
      const [some, names] = [payloads, ids].map((all) => all.slice(begin, begin + MOST)) as [string[], string[]];
      await this.server
        .call(this.name, "TASK.MSCHEDULE", this.name, some.length, ...some, "IDS", ...names, ...words)
        .catch((error: unknown) => {
          if (!(error instanceof Duplicate) || options.ids || !names.includes(error.id)) throw error;
        });
    }
    return ids.map((id) => this.job(id));
  }

  /** Adds tasks, each of which begins when the one before is done, and gets its result as `data.result`. A step may be
   * an array of tasks: the next one gets `data.results`. The job is that of the last.
   * @example
   * const job = await q.chain<number>([["add", { a: 1, b: 2 }], ["add", { a: 10 }]]);
   * await job.result(); // => 13
   */
  async chain<S = R>(steps: readonly (Step<KindOf<T>> | readonly Step<KindOf<T>>[])[]): Promise<Job<S>> {
    return this.job(await addFlow(this.server, this.name, steps, this.options.encoder));
  }

  /** Adds tasks that run at once, and one that begins when all are done and gets their results as `data.results`.
   * @example
   * const job = await q.chord<number>([["add", { a: 1, b: 2 }], ["add", { a: 3, b: 4 }]], ["total"]);
   * await job.result(); // => 10
   */
  async chord<S = R>(tasks: readonly Step<KindOf<T>>[], last: Step<KindOf<T>>): Promise<Job<S>> {
    return this.chain<S>([tasks, last]);
  }

  /** Has the server add a task by a cron expression; replies when it is next due.
   * @example
   * const next = await q.cron("30 2 * * *", "nightly", { of: "yesterday" }, { tz: "Europe/Berlin" });
   * next > new Date(); // => true
   */
  async cron<K extends KindOf<T>>(cron: string, kind: K, data?: DataOf<T, K>, options?: RecurringOptions): Promise<Date> {
    return define(this.server, this.name, kind, { ...options, cron, data }, this.options.encoder);
  }

  /** Has the server add a task again and again; replies when it is next due.
   * @example
   * const next = await q.every("10m", "sweep");
   * next > new Date(); // => true
   */
  async every<K extends KindOf<T>>(every: Duration, kind: K, data?: DataOf<T, K>, options?: RecurringOptions): Promise<Date> {
    return define(this.server, this.name, kind, { ...options, every, data }, this.options.encoder);
  }

  /** Defines all recurring tasks of an owner, by kind or by name, and removes those that it had besides.
   * @example
   * await q.recurring("newsletter", {
   *   digest: { cron: "0 9 * * MON-FRI", tz: "Europe/Berlin" },
   *   reminder: { every: "1h", kind: "remind", data: { days: 3 } },
   * });
   */
  async recurring(owner: string, all: { [name: string]: Definition & { kind?: KindOf<T> } }): Promise<void> {
    for (const [name, { kind, ...definition }] of Object.entries(all))
      await define(this.server, this.name, kind ?? name, { ...definition, name, owner }, this.options.encoder);
    for (const name of await owned(this.server, this.name, owner)) if (!(name in all)) await this.unrepeat(name);
  }

  /** Removes a recurring task, if there is one of this name. The tasks that it has made stay.
   * @example
   * await q.every("10m", "sweep");
   * await q.unrepeat("sweep");
   */
  async unrepeat(name: string): Promise<void> {
    await this.server.call(this.name, "TASK.UNREPEAT", this.name, name);
  }

  /** A task of this queue by its id.
   * @example
   * const { id } = await q.add("send", { to: "ann" });
   * await q.job(id).result(); // => "sent to ann"
   */
  job<S = R>(id: string): Job<S> {
    return new Job<S>(this.server, this.results, this.name, id);
  }

  /** Sets limits that hold over all workers.
   * @example
   * await q.limit({ concurrency: 4, rate: "10/1s" });
   * await q.limit({ rate: "0" });
   */
  async limit({ concurrency, rate, maxLength, group }: Limits): Promise<void> {
    const words: Word[] = [];
    const settings = { concurrency, "max-length": maxLength, "group-limit": group };
    for (const [name, value] of Object.entries(settings)) if (value !== undefined) words.push(name, value);
    if (rate !== undefined) {
      const [number, period] = rate.split("/");
      words.push("rate", period ? `${number}/${milliseconds(period)}` : rate);
    }
    if (words.length) await this.server.call(this.name, "TASK.CONFIG", "SET", this.name, ...words);
  }

  /** Has no more tasks started, for a time or until `resume`.
   * @example
   * await q.pause("1m");
   * const job = await q.add("send", { to: "ann" });
   * (await job.state())?.state; // => "ready"
   */
  async pause(length?: Duration): Promise<void> {
    await this.server.call(this.name, "TASK.PAUSE", this.name, ...(length === undefined ? [] : ["FOR", milliseconds(length)]));
  }

  /** Ends a pause.
   * @example
   * await q.pause();
   * await q.resume();
   */
  async resume(): Promise<void> {
    await this.server.call(this.name, "TASK.RESUME", this.name);
  }

  /** How many tasks are in each state, and what happened: see TASK.STATS.
   * @example
   * await q.add("send", { to: "ann" }, { delay: "1h" });
   * (await q.stats()).scheduled_tasks; // => 1
   */
  async stats(): Promise<Record<string, number | null>> {
    return fieldsOf(await this.server.call(this.name, "TASK.STATS", this.name));
  }

  /** What happens to tasks, as it happens: deaths, losses, cancellations; also successes if the queue's setting
   * `events-level` says so.
   * @example
   * const job = await q.add("send", { to: "ann" }, { delay: "1h" });
   * await job.cancel("not needed");
   * for await (const event of q.events({ after: "0" })) {
   *   console.log(event.type, event.id, event.reason);
   *   break;
   * }
   */
  events(options: EventOptions = {}): AsyncGenerator<Event, void> {
    return events(this.server, this.name, options);
  }

  /** Closes the connections, unless other queues of this process use them.
   * @example
   * const mail = new Queue("mail");
   * await mail.add("send", { to: "ann" });
   * await mail.close();
   */
  async close(): Promise<void> {
    this.results.close();
    await this.server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private encode(kind: string, data: unknown = {}, { meta, timeout }: AddOptions): string {
    const { onAdd, encoder } = this.options;
    const whole: Meta = { ...trace(), ...meta };
    if (timeout !== undefined) whole.timeout_ms = milliseconds(timeout);
    onAdd?.(kind, data, whole);
    return encode(data, whole, "data", encoder);
  }
}
