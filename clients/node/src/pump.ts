/** What of a worker talks to the server about tasks: claims as many as there are free places, and says how they ended,
 * many in one round trip. */

import { Cancelled, Lost, ServerError } from "./errors.js";
import type { End } from "./handlers.js";
import { isPassing, type Link, type Reply, type Word } from "./link.js";
import type { Server } from "./server.js";
import { Task } from "./task.js";
import { now, Pause } from "./times.js";

/** How long one call waits for work. */
const BLOCK = 1000;
const MOST = 1000;

interface Ending {
  task: Task;
  words: Word[] | null;
}

/** What it needs to know, and whom it tells. */
export interface Mind {
  server: Server;
  queue: string;
  name: string;
  ttl: number;
  places: number;
  start(task: Task): void;
  progress(task: Task, value: unknown): Promise<void>;
  warn(text: string): void;
  refused(error: Error): void;
}

export class Pump {
  readonly running = new Map<number, Task>();
  private readonly free: number[];
  private untold: Ending[] = [];
  private inFlight = new Set<Ending>();
  /** For claims, and for ends when no claim waits. */
  private claims: Link | undefined;
  private client: number | null = null;
  /** For ends meanwhile. */
  private ends: Link | undefined;
  private opening = new Set<string>();
  private asking = false;
  private scheduled = false;
  private notBefore = 0;
  private timer: NodeJS.Timeout | undefined;
  private pause = new Pause();
  private isOpen = false;
  private idle = () => {};

  constructor(private readonly mind: Mind) {
    this.free = Array.from({ length: mind.places }, (_, index) => mind.places - 1 - index);
  }

  /** Begins to claim. */
  open(): void {
    this.isOpen = true;
    this.schedule();
  }

  /** Claims no more. */
  quiet(): void {
    this.isOpen = false;
    if (!this.asking || this.client === null) return;
    // What it is given until then goes back at once.
    this.mind.server.call(this.mind.queue, "CLIENT", "UNBLOCK", this.client).catch(() => {});
  }

  /** A task is over: its place is free, and the server is told. */
  end(task: Task, words: End): void {
    if (this.running.get(task.place) !== task) return;
    this.running.delete(task.place);
    this.free.push(task.place);
    if (words !== undefined) this.untold.push({ task, words });
    this.schedule();
  }

  /** The keeper says what became of a claim. */
  interrupt(place: number, token: number, isCancelled: boolean): void {
    const task = this.running.get(place);
    if (task?.token !== token) return;
    task.abort(isCancelled ? new Cancelled(`task ${task.id} was cancelled`) : new Lost(`task ${task.id} is not ours any more`));
  }

  /** Waits until no task runs and the server has heard all ends. */
  async settled(): Promise<void> {
    while (this.running.size || this.untold.length || this.inFlight.size)
      await new Promise<void>((resolve) => (this.idle = resolve));
  }

  close(): void {
    this.isOpen = false;
    this.notBefore = Infinity;
    clearTimeout(this.timer);
    this.claims?.close();
    this.ends?.close();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    // By then all that ends in this turn has ended.
    setImmediate(() => {
      this.scheduled = false;
      this.talk();
    });
  }

  private talk(): void {
    this.idle();
    const wait = this.notBefore - now();
    // A timer may be early, so it looks again.
    if (wait > 0) return this.talkAfter(wait);
    const isBehind = this.untold.length + this.inFlight.size > 2 * this.mind.places;
    const asks = this.isOpen && !this.asking && this.free.length > 0 && !isBehind;
    if (!asks && !this.untold.length) return;
    const link = this.line(this.asking ? "ends" : "claims");
    link?.together(() => {
      this.tell(link);
      if (asks) void this.ask(link);
    });
  }

  private talkAfter(wait: number): void {
    if (this.timer || wait === Infinity) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.talk();
    }, wait + 1);
  }

  /** The connection, or none yet. */
  private line(which: "claims" | "ends"): Link | undefined {
    const link = this[which];
    if (link?.isOpen) return link;
    if (!this.opening.has(which)) void this.openLine(which);
    return undefined;
  }

  private async openLine(which: "claims" | "ends"): Promise<void> {
    const { server, queue } = this.mind;
    const isAgain = !!this[which];
    this.opening.add(which);
    try {
      const link = await server.open(queue);
      if (which === "claims") {
        this.client = await link.call("CLIENT", "ID").catch(() => null);
        if (isAgain) await this.giveBackUnknown();
      }
      this[which] = link;
      if (this.notBefore === Infinity) link.close();
    } catch (error) {
      this.failed(error);
    } finally {
      this.opening.delete(which);
    }
    this.schedule();
  }

  /** Claims whose reply was lost need not wait for the end of their lease. */
  private async giveBackUnknown(): Promise<void> {
    const { server, queue, name } = this.mind;
    try {
      const words = ["TASK.LIST", queue, "claimed", "WORKER", name, "COUNT", MOST];
      const [, page] = await server.once(queue, [words]).then((replies) => replies[0]);
      const known = new Set([...this.running.values(), ...[...this.untold, ...this.inFlight].map((one) => one.task)].map((task) => task.id));
      const lost = (page as Reply[]).map((one) => String(one[1])).filter((id) => !known.has(id));
      if (lost.length) await server.once(queue, [["TASK.UNCLAIM", queue, ...lost]]);
    } catch (error) {
      // Not allowed to, perhaps. Then they wait.
      if (isPassing(error)) throw error;
    }
  }

  private async ask(link: Link): Promise<void> {
    const { queue, name, ttl } = this.mind;
    const sent = now();
    this.asking = true;
    try {
      const count = Math.min(this.free.length, MOST);
      const reply = await link.call("TASK.CLAIM", queue, name, "COUNT", count, "LEASE", ttl, "BLOCK", BLOCK);
      this.pause = new Pause();
      if (reply) this.claimed(now() - sent < ttl / 3 ? reply : await this.stillOurs(link, reply));
    } catch (error) {
      this.failed(error, link);
    } finally {
      this.asking = false;
    }
    this.schedule();
  }

  /** This thread was too busy to read the reply: some of the claims may be over. */
  private async stillOurs(link: Link, rows: Reply[][]): Promise<Reply[][]> {
    const pairs = rows.flatMap((row) => [row[1], row[3]]);
    const words = await link.call("TASK.MEXTEND", this.mind.queue, rows.length, ...pairs, "LEASE", this.mind.ttl);
    return rows.filter((_, index) => String(words[index]) === "OK");
  }

  private claimed(rows: Reply[][]): void {
    const { mind } = this;
    const names = rows[0]!.map((word, index) => (index % 2 ? "" : String(word)));
    const [id, token, attempt, kind, payload] = ["id", "token", "attempt", "kind", "payload"].map((name) => names.indexOf(name) + 1);
    for (const row of rows) {
      const place = this.free.pop()!;
      const task = new Task(
        mind.queue,
        row[id!].toString(),
        row[token!],
        row[attempt!],
        row[kind!]?.toString() ?? "",
        row[payload!],
        place,
        mind.progress,
      );
      this.running.set(place, task);
      if (this.isOpen) mind.start(task);
      else this.end(task, ["TASK.RELEASE", task.queue, task.id, task.token]);
    }
  }

  private tell(link: Link): void {
    const { queue } = this.mind;
    const plain = this.untold.filter(({ words }) => !words);
    const others = this.untold.filter(({ words }) => words);
    this.untold = [];
    for (let begin = 0; begin < plain.length; begin += MOST) {
      const some = plain.slice(begin, begin + MOST);
      const pairs = some.flatMap(({ task }) => [task.id, task.token]);
      void this.send(link, some, ["TASK.MACK", queue, some.length, ...pairs]);
    }
    for (const one of others) void this.send(link, [one], one.words!);
  }

  private async send(link: Link, endings: Ending[], words: Word[]): Promise<void> {
    for (const ending of endings) this.inFlight.add(ending);
    try {
      await link.call(...words);
    } catch (error) {
      this.notTold(endings, error);
      if (isPassing(error)) this.failed(error, link);
    }
    for (const ending of endings) this.inFlight.delete(ending);
    if (this.untold.length || !this.isOpen || !this.asking) this.schedule();
  }

  /** What the server could not take now is told again. */
  private notTold(endings: Ending[], error: unknown): void {
    const { task, words } = endings[0]!;
    if (isPassing(error)) {
      this.untold.push(...endings);
    } else if (error instanceof ServerError && error.code === "TOOBIG" && words?.[0] === "TASK.ACK") {
      this.mind.warn(`${task.kind} ${task.id} is done, without its result: ${error.message}`);
      this.untold.push({ task, words: null });
    } else if (!(error instanceof ServerError) || !/NOTASK|STALE/.test(error.code)) {
      this.mind.warn(`the end of ${task.kind} ${task.id} was not accepted: ${(error as Error).message}`);
    }
  }

  /** Another connection after a pause, or none if the server does not want us. */
  private failed(error: unknown, link?: Link): void {
    if (!isPassing(error)) return this.mind.refused(error as Error);
    link?.close();
    const length = this.pause.length();
    this.notBefore = Math.max(this.notBefore, now() + length);
    if (length > 500) this.mind.warn(`the server cannot be reached: ${(error as Error).message}`);
    this.schedule();
  }
}
