/** A task that was added: its state, its result, its end. */

import { NotKept, ResultTimeout, TaskFailed } from "./errors.js";
import { fieldsOf } from "./link.js";
import type { Results } from "./results.js";
import type { Server } from "./server.js";
import { milliseconds, type Duration } from "./times.js";

/** How a task ended. `state` is done, dead, cancelled or expired. */
export interface Outcome {
  state: string;
  result: string | null;
  error: string | null;
}

/** What is known of a task now.
 * @example
 * const job = await q.add("send", { to: "ann" }, { delay: "1h" });
 * const state: State | null = await job.state();
 * [state?.state, state?.kind, state?.attempt]; // => ["scheduled", "send", 0]
 */
export interface State {
  state: "scheduled" | "ready" | "blocked" | "claimed" | "done" | "dead" | "cancelled" | "expired";
  kind: string;
  attempt: number;
  error: string | null;
  progress: unknown;
  worker: string | null;
  dueAt: Date | null;
}

/** A task of a queue, by its id: any process may make it again, with `queue.job(id)`.
 * @example
 * const { id } = await q.add("send", { to: "ann" });
 * const job: Job<string> = q.job(id);
 * await job.result({ timeout: "20s" }); // => "sent to ann"
 */
export class Job<R = unknown> {
  /** @internal */
  constructor(
    private readonly server: Server,
    private readonly results: Results,
    readonly queue: string,
    readonly id: string,
  ) {}

  /** Waits for the end and returns what the handler returned. Throws TaskFailed, NotKept or ResultTimeout.
   * @example
   * const job = await q.add("send", { to: "ann" });
   * await job.result({ timeout: "20s" }); // => "sent to ann"
   */
  async result({ timeout }: { timeout?: Duration } = {}): Promise<R> {
    const length = timeout === undefined ? undefined : milliseconds(timeout);
    const outcome = await this.results.wait(this.id, length);
    if (outcome === "late") throw new ResultTimeout(`task ${this.id} has not ended in ${timeout}: see its state()`);
    if (!outcome) throw new NotKept(`the result of task ${this.id} is not kept (any more): give it a longer retain`);
    if (outcome.state !== "done") throw new TaskFailed(this.id, outcome.state, outcome.error);
    return (outcome.result === null ? undefined : JSON.parse(outcome.result)) as R;
  }

  /** What is known of it now; null when it is gone.
   * @example
   * const job = await q.add("send", { to: "ann" });
   * await job.result();
   * (await job.state())?.state; // => "done"
   */
  async state(): Promise<State | null> {
    const reply = await this.server.call(this.queue, "TASK.GET", this.queue, this.id);
    if (!reply) return null;
    const { state, kind, attempt, error, progress, worker, due_at } = fieldsOf(reply);
    return {
      state,
      kind: kind ?? "",
      attempt,
      error,
      progress: progress === null ? null : JSON.parse(progress),
      worker,
      dueAt: due_at === null ? null : new Date(due_at),
    };
  }

  /** Cancels it: the signal of one that runs is aborted. False when it had ended before, or is not known.
   * @example
   * const job = await q.add("send", { to: "ann" }, { delay: "1h" });
   * await job.cancel("not needed"); // => true
   */
  async cancel(reason?: string): Promise<boolean> {
    const more = reason ? ["REASON", reason] : [];
    if ((await this.server.call(this.queue, "TASK.CANCEL", this.queue, this.id, ...more)) === 1) return true;
    // The reply to an earlier try may have been lost.
    return (await this.state())?.state === "cancelled";
  }
}
