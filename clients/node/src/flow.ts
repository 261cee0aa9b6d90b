/** Tasks that come after others and get their results, with AFTER and MRESULT beneath. */

import { Duplicate } from "./errors.js";
import { errorsIn, type Word } from "./link.js";
import { addWords, type AddOptions } from "./options.js";
import { newId, type Server } from "./server.js";
import { trace } from "./task.js";
import { milliseconds } from "./times.js";
import { encode, type Encoder, type Meta } from "./wire.js";

/** A task of a flow. The results of those before it are in its data under the name `into`: `result` for one,
 * `results` for several, if not given.
 * @example
 * const fetched: Step = ["add", { a: 1, b: 2 }, { into: "ignored" }];
 * await (await q.chain([fetched, ["add", { a: 10 }]])).result(); // => 13
 */
export type Step<K extends string = string, D = any> = readonly [kind: K, data?: D, options?: StepOptions];
/** Options of a task of a flow.
 * @example
 * const options: StepOptions = { into: "b", attempts: 5 };
 * await (await q.chain([["add", { a: 1, b: 2 }], ["add", { a: 10 }, options]])).result(); // => 13
 */
export type StepOptions = Omit<AddOptions, "after"> & { into?: string };

/** Results that others need are kept for so long. */
const KEPT = "1d";

/** Adds all tasks of a flow, or none, and returns the id of the last. Each step begins when those of the one before are
 * done. */
export async function addFlow(
  server: Server,
  queue: string,
  steps: readonly (Step | readonly Step[])[],
  encoder?: Encoder,
): Promise<string> {
  const commands: Word[][] = [];
  const made: string[] = [];
  let before: string | string[] = [];
  steps.forEach((step, number) => {
    const many = isMany(step) ? step : [step];
    if (!many.length) throw new TypeError("a flow needs at least one task in each step");
    const isLast = number === steps.length - 1;
    const ids = many.map((one) => {
      const id = one[2]?.id ?? newId();
      commands.push(command(queue, one, id, before, isLast, encoder));
      if (!one[2]?.id) made.push(id);
      return id;
    });
    before = isMany(step) ? ids : ids[0]!;
  });
  if (!commands.length) throw new TypeError("a flow needs at least one task");
  await send(server, queue, commands, made);
  return String(before).split(",").at(-1)!;
}

function isMany(step: Step | readonly Step[]): step is readonly Step[] {
  return typeof step[0] !== "string";
}

function command(
  queue: string,
  [kind, data = {}, { into, id: _, ...options } = {}]: Step,
  id: string,
  before: string | string[],
  isLast: boolean,
  encoder?: Encoder,
): Word[] {
  const after = typeof before === "string" ? [before] : before;
  const meta: Meta = { ...trace(), ...options.meta };
  if (after.length) {
    if (typeof data !== "object" || data === null || Array.isArray(data))
      throw new TypeError(`the data of ${kind} must be an object, as it gets the results of what comes before`);
    meta.results = { [into ?? (typeof before === "string" ? "result" : "results")]: before };
  }
  if (options.timeout !== undefined) meta.timeout_ms = milliseconds(options.timeout);
  const words = addWords({ ...(isLast ? {} : { retain: KEPT }), ...options, after });
  return ["TASK.SCHEDULE", queue, encode(data, meta, "data", encoder), "ID", id, "KIND", kind, ...words];
}

async function send(server: Server, queue: string, commands: Word[][], made: string[]): Promise<void> {
  const replies = (await server.calls(queue, [["MULTI"], ...commands, ["EXEC"]])).at(-1);
  for (const error of errorsIn(replies)) {
    // A duplicate of an id of ours came with an earlier try.
    if (error instanceof Duplicate && made.includes(error.id)) continue;
    if (made.length) await server.call(queue, "TASK.CANCEL", queue, ...made);
    throw error;
  }
}
