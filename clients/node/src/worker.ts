/** A worker: claims tasks of a queue, runs their handlers, and says how they ended. */

import { setTimeout as sleep } from "node:timers/promises";
import { Board } from "./board.js";
import { ServerError, Stopping, TimeLimit } from "./errors.js";
import { call, done, failed, handlerOf, prepare, type Handlers } from "./handlers.js";
import { Kept, newName, type Heard } from "./kept.js";
import { checkNames } from "./options.js";
import { Pump } from "./pump.js";
import { Server, type ServerOptions } from "./server.js";
import { listen, unlisten } from "./signals.js";
import type { Task } from "./task.js";
import { milliseconds, type Duration } from "./times.js";
import { encode, type Encoder } from "./wire.js";

/** How long a handler may take to end after its signal was aborted. */
const PATIENCE = 5000;

/** What a worker may be told.
 * @example
 * const options: WorkerOptions = { concurrency: 20, timeout: "30s", onEnd: (task, error) => console.log(task.id, error) };
 * await using w = new Worker("mail", (task) => `sent to ${task.data.to}`, options);
 */
export interface WorkerOptions extends ServerOptions {
  /** How many tasks run at once, 8 if not given. None is claimed ahead. */
  concurrency?: number;
  /** How long an attempt may run, unless its task says so. */
  timeout?: Duration;
  /** Its name in the register; made if not given. No two workers may have the same. */
  name?: string;
  /** How long the server waits for a worker whose host is gone, `"15s"` if not given. */
  ttl?: Duration;
  /** How long it waits for one whose connection was closed, `"25ms"` if not given: time to connect again. The tasks of a
   * killed worker wait for so long. */
  cut?: Duration;
  /** How long what runs may go on after SIGTERM or `close()`, `"25s"` if not given. */
  grace?: Duration;
  /** The signals at which it closes, SIGTERM and SIGINT if not given. */
  signals?: NodeJS.Signals[];
  encoder?: Encoder;
  /** Called before a handler. When it throws, the attempt has failed. */
  onStart?: (task: Task<any>) => void;
  /** Called after a handler, with what it has thrown. */
  onEnd?: (task: Task<any>, error?: unknown) => void;
  /** Where warnings go, `console.warn` if not given. */
  log?: (text: string) => void;
}

/** Does the tasks of a queue: with one handler, or one for each kind.
 * @example
 * await using w = new Worker<{ to: string }, string>("mail", (task) => `sent to ${task.data.to}`);
 * const mail = new Queue<{ to: string }, string>("mail");
 * await (await mail.add("send", { to: "ann" })).result(); // => "sent to ann"
 */
export class Worker<T = any, R = unknown> {
  readonly name: string;
  private readonly server: Server;
  private readonly board: Board;
  private readonly pump: Pump;
  private readonly kept: Kept;
  private readonly timeout: number | undefined;
  private closing: Promise<void> | undefined;
  private hurry = () => {};
  private isReady!: () => void;
  private isRefused!: (error: Error) => void;
  private readonly registered: Promise<void>;

  constructor(
    readonly queue: string,
    private readonly handlers: Handlers<T, R>,
    private readonly options: WorkerOptions = {},
  ) {
    checkNames(options, "concurrency timeout name ttl cut grace signals encoder onStart onEnd log url redis");
    const { concurrency = 8, ttl = "15s", cut = "25ms", timeout } = options;
    if (!Number.isInteger(concurrency) || concurrency < 1) throw new TypeError("concurrency must be a number from 1");
    this.name = options.name ?? newName();
    this.timeout = timeout === undefined ? undefined : milliseconds(timeout);
    this.server = Server.shared(options);
    this.board = new Board(concurrency);
    this.registered = new Promise((resolve, reject) => ([this.isReady, this.isRefused] = [resolve, reject]));
    this.registered.catch(() => {});
    this.pump = new Pump({
      server: this.server,
      queue,
      name: this.name,
      ttl: milliseconds(ttl),
      places: concurrency,
      start: (task) => void this.run(task),
      progress: (task, value) => this.progress(task, value),
      warn: (text) => this.warn(text),
      refused: (error) => this.refused(error),
    });
    const { name, board } = this;
    const server = this.server.options;
    const settings = { server, name, queue, ttl: milliseconds(ttl), cut: milliseconds(cut), places: concurrency, board: board.memory };
    this.kept = new Kept(settings, (heard) => this.hear(heard));
    for (const signal of this.signals) listen(signal, this.onSignal);
  }

  /** Waits until it takes tasks; throws if the server does not want it.
   * @example
   * await using w = new Worker("mail", () => {});
   * await w.ready();
   */
  ready(): Promise<void> {
    return this.registered;
  }

  /** Takes no more tasks, and waits for those that run. After `grace` their signals are aborted, and what then still
   * runs is given back, which uses no attempt. A second call with a shorter grace is possible.
   * @example
   * const w = new Worker("mail", () => {}, { signals: [] });
   * process.once("SIGTERM", () => void w.close({ grace: "25s" }));
   * await w.close();
   */
  close({ grace = this.options.grace ?? "25s" }: { grace?: Duration } = {}): Promise<void> {
    const timer = setTimeout(() => this.hurry(), milliseconds(grace));
    this.closing ??= this.end();
    return this.closing.finally(() => clearTimeout(timer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async end(): Promise<void> {
    const hurried = new Promise<void>((resolve) => (this.hurry = resolve));
    this.pump.quiet();
    await Promise.race([this.pump.settled(), hurried]);
    for (const task of this.pump.running.values()) this.abort(task, new Stopping(`worker ${this.name} ends`));
    await Promise.race([this.pump.settled(), sleep(PATIENCE, undefined, { ref: false })]);
    for (const task of [...this.pump.running.values()]) this.giveUp(task);
    await Promise.race([this.pump.settled(), sleep(PATIENCE, undefined, { ref: false })]);
    this.pump.close();
    await this.kept.leave();
    await this.server.close();
    for (const signal of this.signals) unlisten(signal, this.onSignal);
  }

  private get signals(): NodeJS.Signals[] {
    return this.options.signals ?? ["SIGTERM", "SIGINT"];
  }

  /** The first one closes it, the second aborts what runs. Then the process ends, unless others listen too. */
  private readonly onSignal = (signal: NodeJS.Signals): void => {
    const isFirst = !this.closing;
    void this.close(isFirst ? {} : { grace: 0 }).then(() => {
      if (isFirst && process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  };

  private hear(heard: Heard): void {
    switch (heard.what) {
      case "registered":
        this.isReady();
        return this.closing ? undefined : this.pump.open();
      case "cancelled":
      case "lost":
        return this.pump.interrupt(heard.place, heard.token, heard.what === "cancelled");
      case "signal":
        return heard.word === "stop" ? void this.close() : undefined;
      case "held":
        return this.warn(`another worker has the name ${this.name}: waiting until it is gone`);
      case "refused":
        return this.refused(ServerError.of(heard.text));
    }
  }

  private refused(error: Error): void {
    if (this.closing) return;
    this.warn(`worker ${this.name} of ${this.queue} cannot work: ${error.message}`);
    this.isRefused(error);
    void this.close({ grace: 0 });
  }

  private warn(text: string): void {
    (this.options.log ?? console.warn)(`steward: ${text}`);
  }

  private async run(task: Task): Promise<void> {
    const { onStart, onEnd, encoder } = this.options;
    this.board.put(task.place, task.id, task.token);
    let failure: unknown;
    let end;
    try {
      const results = prepare(task, this.server);
      if (results) await results;
      this.limit(task);
      onStart?.(task);
      end = done(task, await call(handlerOf(this.handlers, task.kind), task), encoder);
    } catch (error) {
      failure = error ?? new Error("nothing was thrown");
      end = failed(task, failure);
    }
    clearTimeout(task.timer);
    if (this.pump.running.get(task.place) === task) this.board.clear(task.place);
    this.pump.end(task, end);
    try {
      onEnd?.(task, failure);
    } catch (error) {
      this.warn(`onEnd failed: ${(error as Error).message}`);
    }
  }

  private limit(task: Task): void {
    const length = (task.meta.timeout_ms as number | undefined) ?? this.timeout;
    if (length === undefined) return;
    task.timer = setTimeout(() => {
      this.abort(task, new TimeLimit(`the handler of ${task.kind} ran for ${length} ms`));
      task.timer = setTimeout(() => this.giveUp(task), PATIENCE);
    }, length);
  }

  private abort(task: Task, why: Stopping | TimeLimit): void {
    if (!task.why) task.abort(why);
  }

  /** Its handler does not end, although its signal was aborted. */
  private giveUp(task: Task): void {
    this.warn(`the handler of ${task.kind} ${task.id} goes on ${PATIENCE} ms after its signal was aborted: pass the signal on`);
    this.board.clear(task.place);
    this.pump.end(task, failed(task, task.why));
  }

  private async progress(task: Task, value: unknown): Promise<void> {
    const payload = encode(value, {}, "the progress", this.options.encoder);
    await this.server.call(task.queue, "TASK.EXTEND", task.queue, task.id, task.token, "PROGRESS", payload);
  }
}
