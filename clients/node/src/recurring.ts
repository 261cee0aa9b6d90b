/** Tasks that the server makes by a rule. */

import { fieldsOf, type Word } from "./link.js";
import { taskWords, type TaskOptions } from "./options.js";
import type { Server } from "./server.js";
import { milliseconds, unixMilliseconds, type Duration, type Moment } from "./times.js";
import { encode, type Encoder } from "./wire.js";

/** Options of a recurring task.
 * @example
 * const options: RecurringOptions = { tz: "Europe/Berlin", misfire: "all", within: "1h", overlap: "skip" };
 * await q.cron("30 2 * * *", "nightly", {}, options);
 */
export interface RecurringOptions extends TaskOptions {
  /** Its name, the kind if not given. */
  name?: string;
  /** Whose it is. Of an owner, `queue.recurring` removes those that are not defined any more. */
  owner?: string;
  /** The time zone of a cron expression. */
  tz?: string;
  start?: Moment;
  end?: Moment;
  /** How many times at most. */
  limit?: number;
  /** What becomes of times that were missed: none is made up for, one (if not given), or all. */
  misfire?: "skip" | "once" | "all";
  /** Only those that were missed within this time. */
  within?: Duration;
  /** `"skip"`: not while the task of the last time is unfinished. */
  overlap?: "allow" | "skip";
}

/** A recurring task as one value: a cron expression or an interval, its data, and options.
 * @example
 * const all: Record<string, Definition> = { sweep: { every: "10m", data: { days: 3 } } };
 * await q.recurring("app", all);
 */
export type Definition<D = any> = RecurringOptions & { cron?: string; every?: Duration; data?: D };

/** Defines one. The same definition again changes nothing. */
export async function define(
  server: Server,
  queue: string,
  kind: string,
  { cron, every, data = {}, ...options }: Definition,
  encoder?: Encoder,
): Promise<Date> {
  const { name = kind, owner, tz, start, end, limit, misfire, within, overlap, ...task } = options;
  if ((cron === undefined) === (every === undefined)) throw new TypeError(`${kind}: give either cron or every`);
  if (tz && cron === undefined) throw new TypeError(`${kind}: tz is the time zone of cron: give cron as well`);
  const rule: Word[] = cron === undefined ? ["EVERY", milliseconds(every!)] : ["CRON", cron];
  const more: [string, Word | undefined][] = [
    ["TZ", tz],
    ["START", start && unixMilliseconds(start)],
    ["END", end && unixMilliseconds(end)],
    ["LIMIT", limit],
    ["MISFIRE", misfire?.toUpperCase()],
    ["WITHIN", within === undefined ? within : milliseconds(within)],
    ["OVERLAP", overlap?.toUpperCase()],
    ["OWNER", owner],
  ];
  for (const [word, value] of more) if (value !== undefined) rule.push(word, value);
  const meta = task.timeout === undefined ? task.meta : { ...task.meta, timeout_ms: milliseconds(task.timeout) };
  const payload = encode(data, meta, "data", encoder);
  const words = ["TASK.REPEAT", queue, name, payload, ...rule, "KIND", kind, ...taskWords(task)];
  return new Date(await server.call(queue, ...words));
}

/** The names of the recurring tasks of an owner. */
export async function owned(server: Server, queue: string, owner: string): Promise<string[]> {
  const names: string[] = [];
  let cursor = "0";
  do {
    const words = ["TASK.REPEATS", queue, "OWNER", owner, "CURSOR", cursor, "COUNT", 1000];
    const [next, page] = await server.call(queue, ...words);
    for (const one of page) names.push(fieldsOf(one).name);
    cursor = String(next);
  } while (cursor !== "0");
  return names;
}
