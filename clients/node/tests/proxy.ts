/** A network that is slow, that breaks, and that loses replies. */

import { createConnection, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

type Then = () => Promise<unknown>;

export class Proxy {
  /** How long each piece of data takes, in ms, each way. */
  delay = 0;
  /** Whether no more connections are made. */
  isDown = false;
  /** How many replies were lost. */
  lost = 0;
  /** The names of all commands that were sent. */
  readonly sent = new Set<string>();
  private readonly doomed = new Map<string, Then>();
  private closed: Promise<unknown> | undefined;
  private readonly pairs = new Set<[Socket, Socket]>();

  private constructor(
    private readonly target: number,
    private readonly server: Server,
  ) {
    server.on("connection", (socket) => this.connect(socket));
  }

  static async start(target: number): Promise<Proxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Proxy(target, server);
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next time that this command is sent, the connection is cut when its reply comes. None is made again until
   * `then` has ended. Some have two words: `CLIENT ID`. */
  loseReplyOf(command: string, then: Then = async () => {}): void {
    this.doomed.set(command, then);
  }

  /** Cuts all connections. */
  cut(): void {
    for (const pair of this.pairs) this.end(pair);
  }

  close(): void {
    this.server.close();
    this.cut();
  }

  private connect(near: Socket): void {
    if (this.closed || this.isDown) return void near.destroy();
    const far = createConnection(this.target, "127.0.0.1");
    const pair: [Socket, Socket] = [near, far];
    this.pairs.add(pair);
    let doom: Then | undefined;
    this.pass(near, far, pair, (data) => {
      for (const command of commandsIn(data)) {
        this.sent.add(command.split(" ")[0]!);
        doom ??= this.take(command);
      }
      return true;
    });
    this.pass(far, near, pair, () => {
      if (!doom) return true;
      this.lost++;
      this.closed = doom().finally(() => (this.closed = undefined));
      this.end(pair);
      return false;
    });
  }

  private take(command: string): Then | undefined {
    for (const [name, then] of this.doomed) {
      if (`${command} `.startsWith(`${name} `)) {
        this.doomed.delete(name);
        return then;
      }
    }
    return undefined;
  }

  private pass(from: Socket, to: Socket, pair: [Socket, Socket], passes: (data: Buffer) => boolean): void {
    let order = Promise.resolve();
    from.setNoDelay();
    from.on("data", (data) => {
      if (!passes(data)) return;
      if (!this.delay) return void to.write(data);
      const late = sleep(this.delay, undefined, { ref: false });
      order = order.then(() => late).then(() => void to.write(data));
    });
    from.on("error", () => this.end(pair));
    from.on("close", () => this.end(pair));
  }

  private end(pair: [Socket, Socket]): void {
    this.pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  }
}

/** The names of the commands in a piece of data, each with its next word: `CLIENT ID`. */
function commandsIn(data: Buffer): string[] {
  const found = data.toString("latin1").matchAll(/\*\d+\r\n\$\d+\r\n([\w.]+)\r\n(?:\$\d+\r\n([^\r]*)\r\n)?/g);
  return [...found].map(([, name, next]) => `${name!.toUpperCase()} ${next ?? ""}`.trim());
}
