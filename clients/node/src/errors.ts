/** Everything that is thrown, by us or by a handler. */

import type { Duration } from "./times.js";

class Named extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** The base of all errors of this library. */
export class StewardError extends Named {}

/** The server was not heard for as long as a call is sent again. */
export class Unreachable extends StewardError {}

/** A value that is not JSON: the text names it and says what to do. */
export class Unencodable extends StewardError {}

/** A payload that is not of the wire format. */
export class BadPayload extends StewardError {}

/** A task whose kind has no handler in this worker. */
export class UnknownKind extends StewardError {}

/** The server has answered an error. `code` is its first word. */
export class ServerError extends StewardError {
  readonly code: string;

  constructor(text: string) {
    super(text);
    this.code = text.split(" ", 1)[0]!;
  }

  /** The error of the class of its code. */
  static of(text: string): ServerError {
    const Kind = CLASSES[text.split(" ", 1)[0]!] ?? ServerError;
    return new Kind(text);
  }
}

/** Another task has the id, or the unique key: `state` and `id` are that task's. */
export class Duplicate extends ServerError {
  readonly state: string = this.message.split(" ")[1] ?? "unknown";
  readonly id: string = this.message.split(" ")[2] ?? "";
}

/** There is no such task, or not any more. */
export class NoTask extends ServerError {}

/** The claim is over. */
export class Stale extends ServerError {}

/** The queue has as many tasks as its `maxLength`. */
export class QueueFull extends ServerError {}

/** A payload, result or progress exceeds the server's `steward.max-payload`. */
export class TooBig extends ServerError {}

/** An unknown or dead member. */
export class NoMember extends ServerError {}

/** Not the epoch that leads now. */
export class Fenced extends ServerError {}

/** The user may not run this command: see the page Users (ACL). */
export class NotAllowed extends ServerError {}

const CLASSES: Record<string, new (text: string) => ServerError> = {
  DUPLICATE: Duplicate,
  NOTASK: NoTask,
  STALE: Stale,
  QUEUEFULL: QueueFull,
  TOOBIG: TooBig,
  NOMEMBER: NoMember,
  FENCED: Fenced,
  NOPERM: NotAllowed,
};

/** The result is not kept, or no longer: give the task a `retain` that is long enough. */
export class NotKept extends StewardError {}

/** The task had not ended in the time that was waited. */
export class ResultTimeout extends StewardError {}

/** The task did not succeed: `state` is dead, cancelled or expired, `error` says why. */
export class TaskFailed extends StewardError {
  constructor(
    readonly id: string,
    readonly state: string,
    readonly error: string | null,
  ) {
    super(`task ${id} is ${state}${error ? `: ${error.split("\n", 1)[0]}` : ""}`);
  }
}

/** Thrown by a handler: the attempt has failed, try again, after this time if one is given. */
export class Retry extends Named {
  readonly after: Duration | undefined;

  constructor(reason: string | { after?: Duration } = "", options: { after?: Duration } = {}) {
    super(typeof reason === "string" ? reason : "");
    this.after = (typeof reason === "string" ? options : reason).after;
  }
}

/** Thrown by a handler: the task can never succeed. It is dead at once. */
export class Drop extends Named {}

/** The reason of a signal: the task has run for as long as it may. */
export class TimeLimit extends Named {}

/** The reason of a signal: the work is not wanted any more. */
export class Interrupted extends Named {}

/** The task was cancelled. */
export class Cancelled extends Interrupted {}

/** The claim is over: another worker may have the task now. */
export class Lost extends Interrupted {}

/** The worker ends: the task is given back, which uses no attempt. */
export class Stopping extends Interrupted {}

/** This process may not lead any more. */
export class LeadLost extends Interrupted {}
