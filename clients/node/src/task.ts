/** A task as its handler sees it. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Interrupted, TimeLimit } from "./errors.js";
import type { Meta } from "./wire.js";

/** A task that runs.
 * @example
 * await using w = new Worker("names", (task: Task<{ to: string }>) => [task.kind, task.attempt, task.data.to]);
 * await (await new Queue("names").add("send", { to: "ann" })).result(); // => ["send", 1, "ann"]
 */
export class Task<D = unknown> {
  data!: D;
  /** What it carries beside its data. */
  meta: Meta = {};
  /** @internal Why its work is not wanted any more. */ why: Interrupted | TimeLimit | undefined;
  /** @internal */ timer: NodeJS.Timeout | undefined;

  // Made when it is asked for: it costs as much as all else that we do for a task.
  private controller: AbortController | undefined;

  /** @internal */
  constructor(
    readonly queue: string,
    readonly id: string,
    /** The fencing token of this run: it grows with each one of the same task. */
    readonly token: number,
    /** From 1. */
    readonly attempt: number,
    readonly kind: string,
    /** @internal */ readonly payload: Buffer,
    /** @internal */ readonly place: number,
    private readonly tell: (task: Task<any>, value: unknown) => Promise<void>,
  ) {}

  /** Aborted when the task was cancelled or lost, when its time is over, and when the worker has to end. Its reason says
   * which: Cancelled, Lost, TimeLimit or Stopping.
   * @example
   * await using w = new Worker("pages", async (task) => (await fetch(task.data.url, { signal: task.signal })).status);
   */
  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.why) this.controller.abort(this.why);
    }
    return this.controller.signal;
  }

  /** @internal */
  abort(why: Interrupted | TimeLimit): void {
    this.why = why;
    this.controller?.abort(why);
  }

  /** Tells how far it is; `job.state()` shows it.
   * @example
   * await using w = new Worker("copies", async (task) => {
   *   await task.progress({ percent: 50 });
   * });
   */
  progress(value: unknown): Promise<void> {
    return this.tell(this, value);
  }
}

const traces = new AsyncLocalStorage<Meta>();

/** Runs a handler so that the tasks that it adds belong to the trace of its own. */
export function traced<R>({ meta }: Task, run: () => R): R {
  const { traceparent, tracestate } = meta;
  if (traceparent === undefined) return run();
  return traces.run(tracestate === undefined ? { traceparent } : { traceparent, tracestate }, run);
}

/** The trace of the handler that runs, if it has one. */
export const trace = (): Meta | undefined => traces.getStore();
