/** For tests without a server: `import { inline } from "steward-redis/testing"`. */

import { call, handlerOf, type Handlers } from "./handlers.js";
import { Job, type Outcome, type State } from "./job.js";
import type { Step } from "./flow.js";
import { addWords, type AddOptions } from "./options.js";
import type { Queue } from "./queue.js";
import type { Results } from "./results.js";
import { newId, Server } from "./server.js";
import { Task } from "./task.js";
import { decode, encode, errorText, type Encoder, type Meta } from "./wire.js";

/** A task that has run.
 * @example
 * const tests = new Queue("tests");
 * using ran = inline(tests, (task) => task.data.n * 2);
 * await tests.add("double", { n: 2 });
 * const first: Ran = ran.jobs[0]!;
 * [first.kind, first.data, first.result]; // => ["double", { n: 2 }, 4]
 */
export interface Ran {
  kind: string;
  data: any;
  meta: Meta;
  state: "done" | "dead";
  result: any;
  error: string | null;
}

/** What runs in place of a server, until it is disposed of.
 * @example
 * const tests = new Queue("tests");
 * const ran: Inline = inline(tests, () => "done");
 * ran.jobs; // => []
 * ran[Symbol.dispose]();
 */
export interface Inline extends Disposable {
  /** The tasks that were added, in the order in which they have run. */
  readonly jobs: readonly Ran[];
}

/** Has each task that is added to a queue run at once, in this process. It is tried once; its data and its result go the
 * way that they would go over the wire.
 * @example
 * const tests = new Queue<{ to: string }, string>("tests");
 * using ran = inline(tests, (task) => `sent to ${task.data.to}`);
 * const job = await tests.add("send", { to: "ann" }, { delay: "1h" });
 * await job.result(); // => "sent to ann"
 * ran.jobs.map(({ kind, data }) => [kind, data]); // => [["send", { to: "ann" }]]
 */
export function inline<T, R>(q: Queue<T, R>, handlers: Handlers<T, R>): Inline {
  const jobs: Ran[] = [];
  const add = async (kind: string, data: any, options: AddOptions = {}): Promise<InlineJob> => {
    // Wrong ones are refused, as they would be.
    addWords(options);
    const task = new Task<any>(q.name, options.id ?? newId(), 1, 1, kind, Buffer.from(q["encode"](kind, data, options)), 0, async () => {});
    Object.assign(task, decode(task.payload));
    const outcome = await run(task, handlers, q["options"].encoder);
    const result = outcome.result === null ? undefined : JSON.parse(outcome.result);
    jobs.push({ ...outcome, kind, data: task.data, meta: task.meta, result });
    return new InlineJob(task, outcome);
  };
  const chain = async (steps: readonly (Step | readonly Step[])[]): Promise<InlineJob> => {
    let before: { name: string; value: unknown } | undefined;
    let last!: InlineJob;
    for (const step of steps) {
      const one = typeof step[0] === "string" ? (step as Step) : undefined;
      const results: unknown[] = [];
      for (const [kind, data = {}, { into, ...options } = {}] of one ? [one] : (step as readonly Step[])) {
        last = await add(kind, before ? { ...data, [into ?? before.name]: before.value } : data, options);
        if (last.outcome.state !== "done") return last;
        results.push(await last.result());
      }
      before = one ? { name: "result", value: results[0] } : { name: "results", value: results };
    }
    return last;
  };
  const made = {
    add,
    addMany: (kind: string, all: unknown[], options?: AddOptions) => Promise.all(all.map((data) => add(kind, data, options))),
    chain,
    chord: (tasks: Step[], then: Step) => chain([tasks, then]),
  };
  Object.assign(q, made);
  const end = () => {
    for (const name of Object.keys(made)) delete (q as any)[name];
  };
  return { jobs, [Symbol.dispose]: end };
}

async function run(task: Task, handlers: Handlers<any, any>, encoder?: Encoder): Promise<Outcome & { state: "done" | "dead" }> {
  try {
    const value = await call(handlerOf(handlers, task.kind), task);
    return { state: "done", result: value === undefined ? null : encode(value, {}, "the result", encoder), error: null };
  } catch (error) {
    return { state: "dead", result: null, error: errorText(error) };
  }
}

/** A job that has ended already. */
class InlineJob extends Job<any> {
  constructor(
    private readonly task: Task,
    readonly outcome: Outcome,
  ) {
    super(new Server(), { wait: async () => outcome } as unknown as Results, task.queue, task.id);
  }

  override async state(): Promise<State> {
    const { state, error } = this.outcome as { state: "done" | "dead"; error: string | null };
    return { state, kind: this.task.kind, attempt: 1, error, progress: null, worker: null, dueAt: null };
  }

  override async cancel(): Promise<boolean> {
    return false;
  }
}
