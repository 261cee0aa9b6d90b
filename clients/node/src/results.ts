/** Waiting for the ends of tasks: all who wait for tasks of one queue share one connection. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Outcome } from "./job.js";
import { fieldsOf, isPassing, type Link, type Reply } from "./link.js";
import type { Server } from "./server.js";
import { Pause } from "./times.js";

const BLOCK = 2000;
/** Where the user may not end the wait of a connection, which a new waiter needs. */
const SHORT = 50;
const MOST = 1000;

type Told = (outcome: Outcome | null | "late" | Error) => void;

/** Those who wait for tasks of one queue. */
export class Results {
  private readonly waiting = new Map<string, Set<Told>>();
  private running: Promise<void> | undefined;
  private link: Link | undefined;
  private client: number | null = null;
  /** The number of the call that waits, or 0. */
  private call = 0;
  private calls = 0;

  constructor(
    private readonly server: Server,
    private readonly queue: string,
  ) {}

  /** The end of a task; null if the task is not known. */
  async wait(id: string, timeout?: number): Promise<Outcome | null | "late"> {
    let timer: NodeJS.Timeout | undefined;
    const end = await new Promise<Outcome | null | "late" | Error>((resolve) => {
      const told: Told = (outcome) => {
        this.waiting.get(id)?.delete(told);
        if (!this.waiting.get(id)?.size) this.waiting.delete(id);
        resolve(outcome);
      };
      this.waiting.set(id, (this.waiting.get(id) ?? new Set()).add(told));
      if (timeout !== undefined) timer = setTimeout(told, timeout, "late");
      this.running ??= this.run();
      void this.wake();
    });
    clearTimeout(timer);
    if (end instanceof Error) throw end;
    return end;
  }

  /** Ends the wait of a call that does not know the newest. */
  private async wake(): Promise<void> {
    const { call, client } = this;
    // It may not have arrived yet.
    while (call && this.call === call && client !== null) {
      if (await this.server.call(this.queue, "CLIENT", "UNBLOCK", client).catch(() => 1)) break;
      await sleep(1);
    }
  }

  private async run(): Promise<void> {
    const pause = new Pause();
    // Those who come in this turn are asked for at once.
    await null;
    while (this.waiting.size) {
      try {
        this.link ??= await this.open();
        await this.ask(this.link);
      } catch (error) {
        this.close();
        if (!isPassing(error)) this.tellAll(error as Error);
        await sleep(pause.length());
      }
    }
    this.running = undefined;
  }

  private async open(): Promise<Link> {
    const link = await this.server.open(this.queue);
    this.client = await link.call("CLIENT", "ID").catch(() => null);
    return link;
  }

  private async ask(link: Link): Promise<void> {
    const ids = [...this.waiting.keys()].slice(0, MOST);
    const words = ["TASK.MRESULT", this.queue, ids.length, ...ids, "ANY"];
    let reply: Reply = await link.call(...words);
    // A call that waits while more tasks are waited for than it knows would be late for these.
    if (!reply && [...this.waiting.keys()].slice(0, MOST).every((id, index) => id === ids[index])) {
      this.call = ++this.calls;
      try {
        reply = await link.call(...words, "BLOCK", this.client === null || this.waiting.size > MOST ? SHORT : BLOCK);
      } finally {
        this.call = 0;
      }
    }
    if (this.waiting.size > MOST) this.rotate(ids);
    for (const one of reply ?? []) this.tell(fieldsOf(one));
  }

  /** Has the others asked for next. */
  private rotate(ids: string[]): void {
    for (const id of ids) {
      const told = this.waiting.get(id)!;
      this.waiting.delete(id);
      this.waiting.set(id, told);
    }
  }

  private tell({ id, state, result, error }: Record<string, any>): void {
    if (state === "unread") return;
    for (const told of this.waiting.get(id) ?? []) told(state === null ? null : { state, result, error });
  }

  private tellAll(error: Error): void {
    for (const told of [...this.waiting.values()].flatMap((some) => [...some])) told(error);
  }

  /** Gives up the connection. Who still waits opens another. */
  close(): void {
    this.link?.close();
    this.link = undefined;
    this.client = null;
  }
}
