/** A queue and workers, each side on a network of its own. */

import { setTimeout as sleep } from "node:timers/promises";
import { Queue, Retry, Worker, type WorkerOptions } from "steward-redis";
import { Proxy } from "./proxy.js";
import { TestServer } from "./servers.js";

let number = 0;

export class Stage {
  readonly q: Queue<any, any>;
  /** How often each task has run. */
  readonly runs = new Map<string, number>();
  private readonly workers: Worker[] = [];

  private constructor(
    readonly server: TestServer,
    /** The network of the queue. */
    readonly near: Proxy,
    /** That of the workers. */
    readonly far: Proxy,
  ) {
    this.q = new Queue(`stage${++number}`, { url: near.url });
  }

  static async run(server: TestServer, play: (stage: Stage) => Promise<void>): Promise<void> {
    const stage = new Stage(server, await Proxy.start(server.port), await Proxy.start(server.port));
    try {
      await play(stage);
    } finally {
      for (const worker of stage.workers) await worker.close({ grace: 100 });
      await stage.q.close();
      stage.near.close();
      stage.far.close();
    }
  }

  readonly worker = (options: WorkerOptions = {}): Worker => {
    const worker = new Worker(this.q.name, async (task, signal) => {
      this.runs.set(task.id, (this.runs.get(task.id) ?? 0) + 1);
      if (task.kind === "again" && this.runs.get(task.id) === 1) throw new Retry({ after: 20 });
      if (task.kind === "progress") await task.progress({ percent: 50 });
      if (task.kind === "long") await sleep(1200);
      if (task.kind === "endless") await sleep(3_600_000, undefined, { signal });
      return task.kind === "silent" ? undefined : task.data;
    }, { url: this.far.url, signals: [], concurrency: 4, ttl: "2s", cut: "1s", log: () => {}, ...options });
    this.workers.push(worker);
    return worker;
  };

  /** A number of the queue: `ready_tasks` and the like. */
  readonly count = (name: string): Promise<number> => this.server.count(this.q.name, name);

  /** Whether a client waits in a call of this command. */
  readonly waits = async (command: string): Promise<boolean> => {
    const clients = String(await this.server.call("CLIENT", "LIST"));
    return clients.split("\n").some((line) => / flags=\w*b/.test(line) && line.includes(` cmd=${command} `));
  };
}
