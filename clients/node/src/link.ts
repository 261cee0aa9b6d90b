/** One connection. When it breaks it is of no more use, so ioredis never sends a command again behind our back. */

import { Redis, type RedisOptions } from "ioredis";
import { ServerError } from "./errors.js";

export type Word = string | number | Buffer;
/** Buffers, numbers, null, and arrays of these; a map is a flat array. */
export type Reply = any;

/** After two such times without a reply the other side is taken for gone. */
const PATIENCE = 5000;

/** Errors of a server that is there, but cannot do it now. */
const PASSING = new Set(
  "ASK BUSY CLUSTERDOWN LOADING MASTERDOWN MISCONF MOVED NOREPLICAS OOM READONLY TRYAGAIN UNBLOCKED".split(" "),
);

/** The connection is of no more use. What was sent may have been, or will be, done. */
export class Broken extends Error {}

/** Whether what failed may succeed when it is sent again. */
export function isPassing(error: unknown): boolean {
  return error instanceof Broken || (error instanceof ServerError && PASSING.has(error.code));
}

/** A connection; commands are sent at once, and answered in their order. */
export class Link {
  private waiting = 0;
  private silent = 0;
  private readonly watch: NodeJS.Timeout;
  /** Called once, when it breaks or is closed. */
  onclose: () => void = () => {};

  private constructor(private readonly redis: Redis) {
    // Counted, not measured: time passes also while this thread is busy, and what has come meanwhile is not read yet.
    this.watch = setInterval(() => {
      if (this.waiting && ++this.silent > 2) redis.disconnect();
    }, PATIENCE).unref();
    redis.once("end", () => {
      clearInterval(this.watch);
      this.onclose();
    });
  }

  /** Opens one; throws Broken, or a ServerError if we are not let in. */
  static async open(options: RedisOptions): Promise<Link> {
    const redis = new Redis({
      connectTimeout: 2 * PATIENCE,
      keepAlive: PATIENCE,
      ...options,
      lazyConnect: true,
      retryStrategy: () => null,
      sentinelRetryStrategy: () => null,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableAutoPipelining: false,
      // It would send INFO, which not everybody may. One that is not ready says so to each command.
      enableReadyCheck: false,
      replyMapping: "legacy",
    });
    let failure: Error | undefined;
    redis.on("error", (error: Error) => (failure = error));
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        // Not every failure ends the call: of one among Sentinels, or in the handshake, nothing is heard.
        timer = setTimeout(() => reject(new Error("no connection in time")), 2 * PATIENCE);
        redis.once("end", () => reject(new Error("the connection was closed")));
        redis.connect().then(resolve, reject);
      });
    } catch (error) {
      redis.disconnect();
      throw failed(failure ?? (error as Error));
    } finally {
      clearTimeout(timer);
    }
    return new Link(redis);
  }

  get isOpen(): boolean {
    return this.redis.status === "ready";
  }

  /** Sends a command and returns its reply. */
  async call(...words: Word[]): Promise<Reply> {
    if (!this.isOpen) throw new Broken("the connection is closed");
    this.waiting++;
    try {
      return await this.redis.callBuffer(words[0] as string, words.slice(1));
    } catch (error) {
      throw failed(error as Error);
    } finally {
      this.waiting--;
      this.silent = 0;
    }
  }

  /** Sends all that `send` calls in one write. */
  together<T>(send: () => T): T {
    this.redis.stream.cork();
    try {
      return send();
    } finally {
      this.redis.stream.uncork();
    }
  }

  close(): void {
    // ioredis would listen for the end of a socket that has ended, each time.
    if (this.isOpen) this.redis.disconnect();
  }
}

function failed(error: Error): Error {
  // One that the server has sent, not one about the connection.
  return error.name === "ReplyError" ? ServerError.of(error.message) : new Broken(error.message);
}

/** The errors among the replies in a reply of EXEC. */
export function errorsIn(replies: Reply[]): ServerError[] {
  return replies.filter((reply) => reply instanceof Error).map((reply) => ServerError.of(reply.message));
}

/** A reply with text in place of bytes. */
export function text(reply: Reply): Reply {
  if (Array.isArray(reply)) return reply.map(text);
  return Buffer.isBuffer(reply) ? reply.toString() : reply;
}

/** A flat reply as an object; bytes become text. */
export function fieldsOf(reply: Reply[]): Record<string, any> {
  const fields: Record<string, any> = {};
  for (let index = 0; index < reply.length; index += 2) fields[String(reply[index])] = text(reply[index + 1]);
  return fields;
}
