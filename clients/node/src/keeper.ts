/** A thread that shows the server that this process is alive, however busy the others are: it beats, renews claims, says
 * what became of them, and can stand in line to lead. */

import { parentPort, workerData } from "node:worker_threads";
import { Board, type Claim } from "./board.js";
import { ServerError } from "./errors.js";
import type { Heard, Settings } from "./kept.js";
import { fieldsOf, isPassing, type Link, type Word } from "./link.js";
import { Server } from "./server.js";
import { now, Pause } from "./times.js";

/** So soon a handler learns that its task was cancelled. */
const STEP = 300;
/** When the server was not heard for this part of the time after which another leads, the leader is told. */
const FUSE = 0.6;

class Keeper {
  private readonly server: Server;
  private readonly board: Board | undefined;
  /** Until when we lead for sure, for a thread that was too busy to read our messages. */
  private readonly deadline: Float64Array;
  /** Before the last call that says so was sent. */
  private heard = 0;
  private service: string;
  private token: number | undefined;
  private link: Link | undefined;
  private seen = new Map<number, number>();
  private signal: string | null = null;
  private leaving = false;
  private wake = () => {};

  constructor(private readonly settings: Settings) {
    this.server = new Server(settings.server);
    this.board = settings.board && new Board(settings.places, settings.board);
    this.deadline = new Float64Array(settings.deadline);
    this.service = settings.service ?? "";
    parentPort!.once("message", () => {
      this.leaving = true;
      this.wake();
    });
  }

  async run(): Promise<void> {
    let pause = new Pause(500);
    while (!this.leaving) {
      try {
        this.link = await this.server.open(this.settings.queue ?? this.service);
        this.service ||= await this.findService(this.link);
        if (await this.register(this.link)) {
          pause = new Pause(500);
          tell({ what: "registered" });
          this.link.onclose = () => this.cut();
          await this.keep(this.link);
        }
      } catch (error) {
        this.failed(error);
      }
      if (this.leaving) break;
      this.link?.close();
      await this.rest(pause.length());
    }
    await this.leave();
  }

  /** The server counts `cut` from now on, unless it is the one that has ended. */
  private cut(): void {
    if (this.leaving) return;
    this.deadline[0] = Math.min(this.deadline[0]!, now() + this.settings.cut * FUSE);
    tell({ what: "cut" });
    this.wake();
  }

  private failed(error: unknown): void {
    // A server that was down gives its members their TTL again.
    if (/ECONNREFUSED/.test((error as Error).message)) this.deadline[0] = this.heard + this.settings.ttl * FUSE;
    if (isPassing(error)) return;
    if (error instanceof ServerError && /NOMEMBER|FENCED/.test(error.code)) {
      this.token = undefined;
      tell({ what: "out" });
      return;
    }
    tell({ what: "refused", text: (error as Error).message });
    this.leaving = true;
  }

  /** The service that a queue follows. Who may not ask takes that of the queue's own name, as most do. */
  private async findService(link: Link): Promise<string> {
    const queue = this.settings.queue!;
    try {
      return String((await link.call("TASK.CONFIG", "GET", queue, "service"))[1]) || queue;
    } catch (error) {
      if (isPassing(error)) throw error;
      return queue;
    }
  }

  private async register(link: Link): Promise<boolean> {
    const { name, pid, host, start, boot, ttl, cut, meta } = this.settings;
    const words: Word[] = ["PID.REGISTER", this.service, name, pid, "HOST", host];
    if (start && boot) words.push("START", start, "BOOT", boot);
    words.push("TTL", ttl, "BIND", "GRACE", Math.min(cut, ttl));
    if (this.token) words.push("TOKEN", this.token);
    if (meta) words.push("META", Object.keys(meta).length, ...Object.entries(meta).flat());
    const { token } = fieldsOf(await link.call(...words));
    if (token === null) tell({ what: "held" });
    else this.token = token;
    return token !== null;
  }

  private async keep(link: Link): Promise<void> {
    const { ttl, campaign } = this.settings;
    let beaten = 0;
    if (campaign) await this.stand(link);
    while (!this.leaving && link.isOpen) {
      const sent = now();
      await this.extend(link);
      if (sent - beaten >= ttl / 5) {
        beaten = sent;
        await this.beat(link, sent);
      }
      await this.rest(Math.min(STEP, ttl / 5));
    }
  }

  private async beat(link: Link, sent: number): Promise<void> {
    const { name, campaign } = this.settings;
    const more = campaign ? ["CAMPAIGN"] : [];
    const { signal, role, epoch } = fieldsOf(await link.call("HB.BEAT", this.service, name, "TOKEN", this.token!, ...more));
    if (signal !== this.signal) tell({ what: "signal", word: (this.signal = signal) ?? "none" });
    if (campaign && role === "leader") return this.lead(epoch, sent);
    if (!campaign) return;
    tell({ what: "behind" });
    await this.stand(link);
  }

  /** Waits in line until it leads. */
  private async stand(link: Link): Promise<void> {
    const { name } = this.settings;
    while (!this.leaving) {
      const sent = now();
      const reply = await link.call("HB.CAMPAIGN", this.service, name, this.token!, "BLOCK", 500);
      const { role, epoch } = fieldsOf(reply ?? []);
      if (role === "leader") return this.lead(epoch, sent);
    }
  }

  private lead(epoch: number, sent: number): void {
    this.heard = sent;
    this.deadline[0] = sent + this.settings.ttl * FUSE;
    tell({ what: "leads", epoch });
  }

  /** Renews the claims that have been there for a step: most tasks are done sooner. */
  private async extend(link: Link): Promise<void> {
    const claims = this.board?.claims() ?? new Map<number, Claim>();
    const old = [...claims].filter(([place, { token }]) => this.seen.get(place) === token);
    // One whose end was told is not asked for again.
    const over = [...claims].filter(([place, { token }]) => this.seen.get(place) === -token);
    this.seen = new Map([...claims].map(([place, { token }]) => [place, token]));
    for (const [place, { token }] of over) this.seen.set(place, -token);
    for (let begin = 0; begin < old.length; begin += 1000) await this.extendSome(link, old.slice(begin, begin + 1000));
  }

  private async extendSome(link: Link, some: [number, Claim][]): Promise<void> {
    const pairs = some.flatMap(([, { id, token }]) => [id, token]);
    const words = ["TASK.MEXTEND", this.settings.queue!, some.length, ...pairs, "LEASE", this.settings.ttl];
    const replies = await link.call(...words);
    some.forEach(([place, { token }], index) => {
      const word = String(replies[index]);
      if (word === "OK") return;
      this.seen.set(place, -token);
      tell({ what: word === "CANCELLED" ? "cancelled" : "lost", place, token });
    });
  }

  /** Waits, unless it is time to leave. */
  private rest(length: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, length);
      this.wake = () => (clearTimeout(timer), resolve());
      if (this.leaving) this.wake();
    });
  }

  private async leave(): Promise<void> {
    for (let tries = 0; this.token && tries < 3; tries++) {
      try {
        const link = this.link?.isOpen ? this.link : await this.server.open(this.service);
        await link.call("PID.DEREGISTER", this.service, this.settings.name, "TOKEN", this.token);
        this.token = undefined;
        link.close();
      } catch (error) {
        if (!isPassing(error)) return;
      }
    }
  }
}

function tell(heard: Heard): void {
  parentPort!.postMessage(heard);
}

void new Keeper(workerData as Settings).run().then(() => process.exit());
