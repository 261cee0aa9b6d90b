/** Processes in the register of a service. */

import { ServerError } from "./errors.js";
import { Kept, newName, type Heard } from "./kept.js";
import { fieldsOf, type Reply } from "./link.js";
import { checkNames } from "./options.js";
import { Server, type ServerOptions } from "./server.js";
import { milliseconds, type Duration } from "./times.js";

/** What a process may say of itself.
 * @example
 * const options: RegisterOptions = { name: "b1", meta: { port: "8000" } };
 * await using b1 = await register("billing", options);
 */
export interface RegisterOptions extends ServerOptions {
  /** Its name in the register; made if not given. */
  name?: string;
  /** How long the server waits for a process whose host is gone, `"15s"` if not given. */
  ttl?: Duration;
  /** How long it waits for one whose connection was closed, `"25ms"` if not given: time to connect again. */
  cut?: Duration;
  /** What others can read of it, such as its port. */
  meta?: Record<string, string>;
}

/** A process of a service.
 * @example
 * await using b1 = await register("billing", { name: "b1", meta: { port: "8000" } });
 * const all: Member[] = await members("billing");
 * all.map(({ name, state, meta }) => [name, state, meta.port]); // => [["b1", "up", "8000"]]
 */
export interface Member {
  name: string;
  pid: number;
  host: string;
  /** `"up"`, or `"grace"` while the server waits for a connection that was closed. */
  state: string;
  role: "leader" | "candidate" | "member";
  meta: Record<string, string>;
}

/** That this process is a member, until it leaves.
 * @example
 * const b1: Registration = await register("billing", { name: "b1" });
 * await b1.leave();
 */
export class Registration {
  private readonly kept: Kept;
  private readonly server: Server;
  /** @internal */ readonly registered: Promise<void>;

  /** @internal */
  constructor(
    readonly service: string,
    readonly name: string,
    { ttl = "15s", cut = "25ms", meta, ...server }: RegisterOptions,
  ) {
    this.server = Server.shared(server);
    const times = { ttl: milliseconds(ttl), cut: milliseconds(cut) };
    let hear!: (heard: Heard) => void;
    this.registered = new Promise((resolve, reject) => {
      hear = (heard) => {
        if (heard.what === "registered") resolve();
        else if (heard.what === "refused") reject(ServerError.of(heard.text));
      };
    });
    this.kept = new Kept({ server: this.server.options, service, name, ...times, meta, places: 0 }, (heard) => hear(heard));
  }

  /** Leaves the register.
   * @example
   * const b1 = await register("billing", { name: "b1" });
   * await b1.leave();
   * await members("billing"); // => []
   */
  async leave(): Promise<void> {
    await this.kept.leave();
    await this.server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}

/** Has this process in the register of a service until it leaves or ends.
 * @example
 * await using b1 = await register("billing", { meta: { port: "8000" } });
 * b1.service; // => "billing"
 */
export async function register(service: string, options: RegisterOptions = {}): Promise<Registration> {
  checkNames(options, "name ttl cut meta url redis");
  const registration = new Registration(service, options.name ?? newName(), options);
  try {
    await registration.registered;
    return registration;
  } catch (error) {
    await registration.leave();
    throw error;
  }
}

/** The members of a service.
 * @example
 * await using b1 = await register("billing", { name: "b1" });
 * (await members("billing"))[0]?.state; // => "up"
 */
export async function members(service: string, options: ServerOptions = {}): Promise<Member[]> {
  const server = Server.shared(options);
  try {
    const found: Member[] = [];
    let cursor = "0";
    do {
      const [next, page] = await server.call(service, "PID.LIST", service, "CURSOR", cursor, "COUNT", 1000);
      const names = page.map((one: Reply) => fieldsOf(one).member);
      const commands = names.map((name: string) => ["PID.GET", service, name]);
      const replies = commands.length ? await server.calls(service, commands) : [];
      found.push(...replies.filter(Boolean).map(memberOf));
      cursor = String(next);
    } while (cursor !== "0");
    return found;
  } finally {
    await server.close();
  }
}

function memberOf(reply: Reply): Member {
  const { member, pid, host, state, role, meta } = fieldsOf(reply);
  return { name: member, pid, host, state, role, meta: fieldsOf(meta ?? []) };
}
