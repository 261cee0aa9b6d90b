/** Our side of the keeper: starts its thread and hears what it says. */

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Worker as Thread } from "node:worker_threads";
import { here } from "./here.cjs";
import type { ServerOptions } from "./server.js";

/** What a keeper is told. */
export interface Settings extends Identity {
  server: ServerOptions;
  name: string;
  ttl: number;
  /** GRACE: for how long the server waits for a connection that was closed. */
  cut: number;
  queue?: string;
  service?: string;
  campaign?: boolean;
  meta?: Record<string, string> | undefined;
  places: number;
  board?: SharedArrayBuffer;
  deadline: SharedArrayBuffer;
}

/** What it says. */
export type Heard =
  | { what: "registered" | "out" | "behind" | "held" | "cut" }
  | { what: "leads"; epoch: number }
  | { what: "cancelled" | "lost"; place: number; token: number }
  | { what: "signal"; word: string }
  | { what: "refused"; text: string };

/** A process as a member, kept so until it leaves. */
export class Kept {
  private readonly thread: Thread;
  private readonly ended: Promise<void>;
  private readonly memory = new SharedArrayBuffer(8);

  constructor(settings: Omit<Settings, keyof Identity | "deadline">, hear: (heard: Heard) => void) {
    const workerData: Settings = { ...settings, ...identity(), deadline: this.memory };
    // It has no use for the options of this process, which may be those of a test or a debugger.
    this.thread = new Thread(join(here, "keeper.js"), { workerData, execArgv: [], name: "steward keeper" });
    this.thread.on("message", hear);
    this.thread.on("error", (error) => hear({ what: "refused", text: error.message }));
    this.ended = new Promise((resolve) => this.thread.once("exit", () => resolve()));
  }

  /** When another may lead soon, if nothing more is heard of the server. */
  get deadline(): number {
    return new Float64Array(this.memory)[0]!;
  }

  /** Leaves the register and ends the thread. */
  async leave(): Promise<void> {
    this.thread.postMessage("leave");
    const timer = setTimeout(() => this.thread.terminate(), 2000);
    await this.ended;
    clearTimeout(timer);
  }
}

/** This process as the register knows it: no other has the same pid, host, start and boot. */
interface Identity {
  pid: number;
  host: string;
  start: string;
  boot: string;
}

function identity(): Identity {
  const start = read("/proc/self/stat").split(")").at(-1)!.trim().split(" ")[19] ?? "";
  return { pid: process.pid, host: hostname(), start, boot: read("/proc/sys/kernel/random/boot_id").trim() };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** A name for a member that no other process has, also after a restart in a container. */
export function newName(): string {
  return `${hostname()}-${process.pid}-${randomBytes(2).toString("hex")}`;
}
