/** The handlers of a worker, and what becomes of a task by what its handler does. */

import { BadPayload, Drop, Interrupted, Lost, Retry, TimeLimit, UnknownKind } from "./errors.js";
import type { DataOf, KindOf, ResultOf } from "./kinds.js";
import { fieldsOf, type Word } from "./link.js";
import type { Server } from "./server.js";
import { traced, type Task } from "./task.js";
import { milliseconds } from "./times.js";
import { decode, encode, errorText, type Encoder } from "./wire.js";

/** Does the work of a task. What it returns is the result.
 * @example
 * const greet: Handler<{ to: string }, string> = (task) => `hello ${task.data.to}`;
 * await using w = new Worker("hello", greet);
 */
export type Handler<D = any, R = unknown> = (task: Task<D>, signal: AbortSignal) => R | Promise<R>;
/** One for all kinds, or one for each.
 * @example
 * type Tasks = { send(data: { to: string }): string; sweep(): void };
 * const handlers: Handlers<Tasks> = { send: (task) => `sent to ${task.data.to}`, sweep: () => {} };
 * await using w = new Worker<Tasks>("mail", handlers);
 */
export type Handlers<T, R = unknown> =
  | Handler<DataOf<T, KindOf<T>>, ResultOf<T, R, KindOf<T>>>
  | { [K in KindOf<T>]: Handler<DataOf<T, K>, ResultOf<T, R, K>> };

/** Finds the handler of a kind. */
export function handlerOf(handlers: Handlers<any, any>, kind: string): Handler {
  if (typeof handlers === "function") return handlers;
  if (Object.hasOwn(handlers, kind)) return handlers[kind]!;
  throw new UnknownKind(`there is no handler for "${kind}"; this worker has ${Object.keys(handlers).join(", ")}`);
}

/** Calls a handler. One that has only one parameter gets no signal, unless it asks its task for it. */
export function call(handler: Handler, task: Task): unknown {
  let reads = readers.get(handler);
  if (reads === undefined) readers.set(handler, (reads = readsSignal(handler)));
  const { signal } = reads ? task : ({} as Partial<Task>);
  return traced(task, () => handler(task, signal!));
}

const readers = new WeakMap<Handler, boolean>();

function readsSignal(handler: Handler): boolean {
  const text = String(handler);
  const parameters = text.slice(0, text.search(/=>|\)\s*\{/));
  return handler.length > 1 || /[,.=]/.test(parameters) || /\barguments\b|\[native code\]/.test(text);
}

/** Reads the payload of a task, with the results of others if it wants these. */
export function prepare(task: Task, server: Server): Promise<void> | undefined {
  const { data, meta } = decode(task.payload);
  task.data = data;
  task.meta = meta;
  return meta.results ? addResults(task, server, meta.results as Wanted) : undefined;
}

type Wanted = Record<string, string | string[]>;

async function addResults(task: Task, server: Server, wanted: Wanted): Promise<void> {
  const values = new Map<string, unknown>();
  let ids = [...new Set(Object.values(wanted).flat())];
  // A reply has 1 MiB at most.
  while (ids.length) {
    const replies = await server.call(task.queue, "TASK.MRESULT", task.queue, ids.length, ...ids);
    const found = (replies ?? []).map(fieldsOf);
    for (const { id, state, result } of found) {
      if (state === null) throw new BadPayload(`the result of task ${id}, which this one needs, is not kept any more`);
      if (state !== "unread") values.set(id, state === "done" && result !== null ? JSON.parse(result) : null);
    }
    ids = found.filter(({ state }: any) => state === "unread").map(({ id }: any) => id);
  }
  const data: Record<string, unknown> = { ...(task.data as object) };
  for (const [name, ids] of Object.entries(wanted))
    data[name] = Array.isArray(ids) ? ids.map((id) => values.get(id)) : values.get(ids);
  task.data = data;
}

/** The command that ends a claim; null for a plain ACK, which many share, undefined for none. */
export type End = Word[] | null | undefined;

/** The end of a task whose handler has returned. */
export function done(task: Task, result: unknown, encoder?: Encoder): End {
  if (task.why instanceof Lost) return undefined;
  if (result === undefined) return null;
  try {
    const value = encode(result, {}, "the result", encoder);
    return ["TASK.ACK", task.queue, task.id, task.token, "RESULT", value];
  } catch (error) {
    // Its work is done, and would be done again for the same error.
    return [...fail(task, error), "DEAD"];
  }
}

/** The end of a task whose handler has thrown. */
export function failed(task: Task, error: unknown): End {
  const why = task.why ?? error;
  if (why instanceof Lost) return undefined;
  if (error instanceof Drop) return [...fail(task, error), "DEAD"];
  if (why instanceof TimeLimit) return fail(task, why);
  if (task.why instanceof Interrupted) return ["TASK.RELEASE", task.queue, task.id, task.token];
  if (!(error instanceof Retry) || error.after === undefined) return fail(task, error);
  try {
    return [...fail(task, error), "DELAY", milliseconds(error.after)];
  } catch (wrong) {
    return fail(task, wrong);
  }
}

function fail(task: Task, error: unknown): Word[] {
  return ["TASK.FAIL", task.queue, task.id, task.token, "ERROR", errorText(error)];
}
