/** What may be said about a task when it is added. */

import type { Word } from "./link.js";
import { backoffWords, milliseconds, unixMilliseconds, type Duration, type Moment } from "./times.js";
import type { Meta } from "./wire.js";

/** A repeated add is recognised for so long, and the result kept. Longer than calls are sent again. */
export const RETAIN = 60_000;

/** Options of tasks, also of recurring ones.
 * @example
 * const options: TaskOptions = { attempts: 5, backoff: "1s..10m", timeout: "30s", retain: "1h" };
 * await q.cron("30 2 * * *", "nightly", {}, options);
 */
export interface TaskOptions {
  /** How long the result is kept, a minute if not given. */
  retain?: Duration;
  /** How often the task is tried before it is dead. */
  attempts?: number;
  /** The wait between attempts: `"10s"`, or from the first to the longest, `"1s..10m"`. */
  backoff?: Duration;
  /** How long one attempt may run before its signal is aborted. */
  timeout?: Duration;
  /** The task is dropped unless it starts within this time of becoming ready. */
  expire?: Duration;
  /** From 0, the most urgent, to 9. */
  priority?: number;
  /** Tasks of one group run one at a time, in order. */
  group?: string;
  /** The only worker that may have it. */
  to?: string;
  /** The queue that gets a task with the result. */
  reply?: string;
  /** What the task carries beside its data, such as `traceparent`. */
  meta?: Meta;
}

/** Options of a task that is added.
 * @example
 * const options: AddOptions = { delay: "10m", unique: "ann", replace: true };
 * await q.add("send", { to: "ann", draft: 1 }, options);
 * await q.add("send", { to: "ann", draft: 2 }, options);
 * (await q.stats()).scheduled_tasks; // => 1
 */
export interface AddOptions extends TaskOptions {
  /** Its name; made if not given. The same id and data again change nothing. */
  id?: string;
  delay?: Duration;
  at?: Moment;
  /** Refused with `Duplicate` while another task has this key. */
  unique?: string;
  /** How long the key is taken: until the task has ended, until it is claimed, or for a time. */
  uniqueFor?: Duration | "end" | "claim";
  /** Overwrite the task that has the key, if it has not been claimed; `"keep"` leaves it its due time. */
  replace?: boolean | "keep";
  /** The tasks, or their ids, that have to be done before. */
  after?: readonly (string | { id: string })[];
  /** What happens if one of these does not succeed: this one is cancelled, runs, or waits for a repair. */
  onFail?: "cancel" | "run" | "wait";
}

const TASK = "retain attempts backoff timeout expire priority group to reply meta";
const ADD = `${TASK} id delay at unique uniqueFor replace after onFail`;

/** Refuses options that nobody knows: in JavaScript no compiler does. */
export function checkNames(options: object, known: string): void {
  const names = known.split(" ");
  for (const name in options)
    if (!names.includes(name)) throw new TypeError(`unknown option ${name}; known are ${names.join(", ")}`);
}

/** The words of TASK.REPEAT about its tasks, and the first of TASK.SCHEDULE and TASK.MSCHEDULE. */
export function taskWords(options: TaskOptions, known = TASK): Word[] {
  checkNames(options, known);
  const words: Word[] = ["RETAIN", milliseconds(options.retain ?? RETAIN)];
  if (options.backoff !== undefined) words.push(...backoffWords(options.backoff));
  if (options.expire !== undefined) words.push("EXPIRE", milliseconds(options.expire));
  for (const name of ["priority", "attempts", "group", "to", "reply"] as const)
    if (options[name] !== undefined) words.push(name.toUpperCase(), options[name]);
  return words;
}

/** All words of TASK.SCHEDULE after the id. */
export function addWords(options: AddOptions): Word[] {
  const words = taskWords(options, ADD);
  if (options.delay !== undefined) words.push("DELAY", milliseconds(options.delay));
  if (options.at !== undefined) words.push("AT", unixMilliseconds(options.at));
  return words.concat(uniqueWords(options), afterWords(options));
}

function uniqueWords({ unique, uniqueFor = "end", replace }: AddOptions): Word[] {
  if (unique === undefined) {
    if (uniqueFor === "end" && !replace) return [];
    throw new TypeError("uniqueFor and replace are about a unique task: give unique as well");
  }
  const words: Word[] = ["UNIQUE", unique];
  if (uniqueFor === "claim") words.push("UNTIL", "CLAIM");
  else if (uniqueFor !== "end") words.push("FOR", milliseconds(uniqueFor));
  if (replace) words.push("REPLACE");
  if (replace === "keep") words.push("KEEP");
  return words;
}

function afterWords({ after = [], onFail }: AddOptions): Word[] {
  if (!after.length) return [];
  if (after.length > 1000)
    throw new TypeError(`a task comes after at most 1,000 others, not ${after.length}: put tasks in between`);
  const words: Word[] = ["AFTER", after.length, ...after.map((one) => (typeof one === "string" ? one : one.id))];
  return onFail ? [...words, "ONFAIL", onFail.toUpperCase()] : words;
}
