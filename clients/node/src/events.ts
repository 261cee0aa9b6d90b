/** What happens to the tasks of a queue, as it happens. */

import { setTimeout as sleep } from "node:timers/promises";
import { fieldsOf, isPassing, type Link, type Reply } from "./link.js";
import type { Server } from "./server.js";
import { milliseconds, now, Pause, type Duration } from "./times.js";

/** `type` is dead, lost, cancelled, expired and the like.
 * @example
 * const job = await q.add("send", { to: "ann" }, { delay: "1h" });
 * await job.cancel();
 * const { value } = await q.events({ after: "0" }).next();
 * const event = value as Event;
 * [event.type, event.id === job.id, event.kind]; // => ["cancelled", true, "send"]
 */
export interface Event {
  /** Its place in the stream. */
  entry: string;
  at: Date;
  type: string;
  id: string;
  kind: string;
  worker: string;
  attempt: number;
  reason: string;
}

/** Which events, and until when.
 * @example
 * const options: EventOptions = { after: "0", timeout: "50ms" };
 * for await (const event of q.events(options)) console.log(event.at, event.type, event.id);
 */
export interface EventOptions {
  /** The entry after which to begin; `"0"` for all that are kept. Only new ones if not given. */
  after?: string;
  /** End when none came for so long. */
  timeout?: Duration;
  /** End when this is aborted. */
  signal?: AbortSignal;
}

/** See `Queue.events`. */
export async function* events(server: Server, queue: string, options: EventOptions): AsyncGenerator<Event, void> {
  const key = `task:{${queue}}:events`;
  const length = options.timeout === undefined ? Infinity : milliseconds(options.timeout);
  let { after } = options;
  let until = now() + length;
  let link: Link | undefined;
  let pause = new Pause();
  const abort = () => link?.close();
  options.signal?.addEventListener("abort", abort);
  try {
    while (now() < until && !options.signal?.aborted) {
      let reply;
      try {
        link ??= await server.open(queue);
        after ??= await newest(link, key);
        const block = Math.max(1, Math.min(1000, Math.round(until - now())));
        reply = await link.call("XREAD", "COUNT", 100, "BLOCK", block, "STREAMS", key, after);
        pause = new Pause();
      } catch (error) {
        link?.close();
        link = undefined;
        if (!isPassing(error)) throw error;
        if (!options.signal?.aborted) await sleep(pause.length());
        continue;
      }
      for (const [entry, fields] of entriesOf(reply)) {
        after = String(entry);
        yield { ...(fieldsOf(fields) as Event), attempt: Number(fieldsOf(fields).attempt), ...place(after) };
        until = now() + length;
      }
    }
  } finally {
    options.signal?.removeEventListener("abort", abort);
    link?.close();
  }
}

async function newest(link: Link, key: string): Promise<string> {
  const reply = await link.call("XREVRANGE", key, "+", "-", "COUNT", 1);
  return reply[0] ? String(reply[0][0]) : "0";
}

/** In RESP3 a stream and its entries, in RESP2 pairs of these. */
function entriesOf(reply: Reply): [Buffer, Buffer[]][] {
  if (!reply) return [];
  return Buffer.isBuffer(reply[0]) ? reply[1] : reply[0][1];
}

function place(entry: string): { entry: string; at: Date } {
  return { entry, at: new Date(Number(entry.split("-")[0])) };
}
