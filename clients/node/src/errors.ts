/** Everything that is thrown, by us or by a handler. */

import type { Duration } from "./times.js";

class Named extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** The base of all errors of this library.
 * @example
 * const error = await q.job("unknown").result().catch((error) => error);
 * error instanceof StewardError; // => true
 */
export class StewardError extends Named {}

/** The server was not heard for as long as a call is sent again. What was asked may have been done.
 * @example
 * await q.add("send", { to: "ann" }, { id: "mail-7" }).catch((error) => {
 *   if (!(error instanceof Unreachable)) throw error;
 *   console.error("try again later, with the same id");
 * });
 */
export class Unreachable extends StewardError {}

/** A value that is not JSON: the text names it and says what to do.
 * @example
 * const error = await q.add("remind", { when: new Date() }).catch((error) => error);
 * error.message; // => '"when" is a Date, which JSON does not have: convert it, or give an encoder'
 */
export class Unencodable extends StewardError {}

/** A payload that is not of the wire format, or data that a handler cannot use.
 * @example
 * const send: Handler = (task) => {
 *   if (typeof task.data.to !== "string") throw new BadPayload("to is missing");
 * };
 */
export class BadPayload extends StewardError {}

/** A task whose kind has no handler in this worker.
 * @example
 * const job = await q.add("sent", {}, { attempts: 1 });
 * const failed = await job.result().catch((error) => error);
 * failed.error.split(";")[0]; // => 'UnknownKind: there is no handler for "sent"'
 */
export class UnknownKind extends StewardError {}

/** The server has answered an error. `code` is its first word.
 * @example
 * const error = await q.limit({ rate: "often" }).catch((error) => error);
 * [error instanceof ServerError, error.code]; // => [true, "BADARG"]
 */
export class ServerError extends StewardError {
  readonly code: string;

  constructor(text: string) {
    super(text);
    this.code = text.split(" ", 1)[0]!;
  }

  /** The error of the class of its code.
   * @internal */
  static of(text: string): ServerError {
    const unknown = /^ERR unknown command '((?:TASK|PID|HB)\.\w+)'/.exec(text);
    if (unknown) text = `ERR the server does not know ${unknown[1]}: is the module steward loaded?`;
    const Kind = CLASSES[text.split(" ", 1)[0]!] ?? ServerError;
    return new Kind(text);
  }
}

/** Another task has the id, or the unique key: `state` and `id` are that task's.
 * @example
 * await q.add("send", { to: "ann" }, { id: "mail-7", unique: "ann", delay: "1h" });
 * const error = await q.add("send", { to: "ann" }, { unique: "ann" }).catch((error) => error);
 * [error instanceof Duplicate, error.id, error.state]; // => [true, "mail-7", "scheduled"]
 */
export class Duplicate extends ServerError {
  readonly state: string = this.message.split(" ")[1] ?? "unknown";
  readonly id: string = this.message.split(" ")[2] ?? "";
}

/** There is no such task, or not any more.
 * @example
 * const send: Handler = async (task) => {
 *   await task.progress(50).catch((error) => {
 *     if (error instanceof NoTask) console.log("somebody has removed it");
 *     throw error;
 *   });
 * };
 */
export class NoTask extends ServerError {}

/** The claim is over.
 * @example
 * const send: Handler = async (task) => {
 *   await task.progress(50).catch((error) => {
 *     if (error instanceof Stale) console.log("another worker has it now");
 *     throw error;
 *   });
 * };
 */
export class Stale extends ServerError {}

/** The queue has as many tasks as its `maxLength`.
 * @example
 * await q.limit({ maxLength: 1 });
 * await q.add("send", { to: "ann" }, { delay: "1h" });
 * const error = await q.add("send", { to: "bob" }).catch((error) => error);
 * error instanceof QueueFull; // => true
 */
export class QueueFull extends ServerError {}

/** A payload, result or progress exceeds the server's `steward.max-payload`.
 * @example
 * const error = await q.add("send", { body: "x".repeat(20_000_000) }).catch((error) => error);
 * error instanceof TooBig; // => true
 */
export class TooBig extends ServerError {}

/** Not the epoch that leads now.
 * @example
 * await lead("report", async (epoch) => {
 *   await epoch.fenced("SET", "{report}day", "monday").catch((error) => {
 *     if (error instanceof Fenced) console.log("another leads by now");
 *     throw error;
 *   });
 * });
 */
export class Fenced extends ServerError {}

/** The user may not run this command: see the page Users (ACL).
 * @example
 * await q.pause().catch((error) => {
 *   if (error instanceof NotAllowed) console.log("ask an operator");
 *   throw error;
 * });
 */
export class NotAllowed extends ServerError {}

const CLASSES: Record<string, new (text: string) => ServerError> = {
  DUPLICATE: Duplicate,
  NOTASK: NoTask,
  STALE: Stale,
  QUEUEFULL: QueueFull,
  TOOBIG: TooBig,
  FENCED: Fenced,
  NOPERM: NotAllowed,
};

/** The result is not kept, or no longer: give the task a `retain` that is long enough.
 * @example
 * const error = await q.job("unknown").result().catch((error) => error);
 * error instanceof NotKept; // => true
 */
export class NotKept extends StewardError {}

/** The task had not ended in the time that was waited.
 * @example
 * const job = await q.add("send", { to: "ann" }, { delay: "1h" });
 * const error = await job.result({ timeout: "50ms" }).catch((error) => error);
 * error instanceof ResultTimeout; // => true
 */
export class ResultTimeout extends StewardError {}

/** The task did not succeed: `state` is dead, cancelled or expired, `error` says why.
 * @example
 * const job = await q.add("send", { to: "ann" }, { delay: "1h" });
 * await job.cancel("not needed");
 * const failed = await job.result().catch((error) => error);
 * [failed instanceof TaskFailed, failed.state, failed.error]; // => [true, "cancelled", "not needed"]
 */
export class TaskFailed extends StewardError {
  constructor(
    readonly id: string,
    readonly state: string,
    readonly error: string | null,
  ) {
    super(`task ${id} is ${state}${error ? `: ${error.split("\n", 1)[0]}` : ""}`);
  }
}

/** Thrown by a handler: the attempt has failed, try again, after this time if one is given.
 * @example
 * await using w = new Worker("flaky", (task) => {
 *   if (task.attempt === 1) throw new Retry("busy", { after: "50ms" });
 *   return task.attempt;
 * });
 * const job = await new Queue("flaky").add("send");
 * await job.result(); // => 2
 */
export class Retry extends Named {
  readonly after: Duration | undefined;

  constructor(reason: string | { after?: Duration } = "", options: { after?: Duration } = {}) {
    super(typeof reason === "string" ? reason : "");
    this.after = (typeof reason === "string" ? options : reason).after;
  }
}

/** Thrown by a handler: the task can never succeed. It is dead at once.
 * @example
 * await using w = new Worker("users", () => {
 *   throw new Drop("no such user");
 * });
 * const job = await new Queue("users").add("greet", {}, { attempts: 5 });
 * await job.result().catch((failed: TaskFailed) => failed.error?.split("\n")[0]); // => "Drop: no such user"
 */
export class Drop extends Named {}

/** The reason of a signal: the task has run for as long as it may.
 * @example
 * const fetched: Handler<{ url: string }> = async (task, signal) => {
 *   signal.addEventListener("abort", () => {
 *     if (signal.reason instanceof TimeLimit) console.log(`${task.data.url} is slow`);
 *   });
 *   return (await fetch(task.data.url, { signal })).text();
 * };
 */
export class TimeLimit extends Named {}

/** The reason of a signal: the work is not wanted any more.
 * @example
 * const copy: Handler<{ files: string[] }> = async (task, signal) => {
 *   for (const file of task.data.files) {
 *     if (signal.reason instanceof Interrupted) throw signal.reason;
 *     console.log(file);
 *   }
 * };
 */
export class Interrupted extends Named {}

/** The task was cancelled.
 * @example
 * const order: Handler = (task, signal) => {
 *   signal.addEventListener("abort", () => {
 *     if (signal.reason instanceof Cancelled) console.log(`${task.id}: give the money back`);
 *   });
 * };
 */
export class Cancelled extends Interrupted {}

/** The claim is over: another worker may have the task now.
 * @example
 * const order: Handler = (task, signal) => {
 *   signal.addEventListener("abort", () => {
 *     if (signal.reason instanceof Lost) console.log(`${task.id}: touch nothing more`);
 *   });
 * };
 */
export class Lost extends Interrupted {}

/** The worker ends: the task is given back, which uses no attempt.
 * @example
 * const order: Handler = (task, signal) => {
 *   signal.addEventListener("abort", () => {
 *     if (signal.reason instanceof Stopping) console.log(`${task.id}: another worker goes on`);
 *   });
 * };
 */
export class Stopping extends Interrupted {}

/** This process may not lead any more.
 * @example
 * await lead("report", async (epoch, signal) => {
 *   signal.addEventListener("abort", () => console.log(signal.reason instanceof LeadLost));
 * });
 */
export class LeadLost extends Interrupted {}
