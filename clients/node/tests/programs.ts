/** The programs of the tests. */

import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { after } from "node:test";

const started: Program[] = [];
// Those of a test that failed would keep the others waiting for ever.
after(() => Promise.all(started.map((program) => program.kill())));

/** A program that runs. */
export class Program {
  readonly exit: Promise<number | NodeJS.Signals>;
  readonly ready: Promise<unknown>;

  constructor(readonly child: ChildProcess) {
    this.exit = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code!)));
    this.ready = new Promise((resolve) => child.once("message", resolve));
  }

  static start(name: string, ...words: string[]): Program {
    const program = new Program(fork(join(import.meta.dirname, "programs", `${name}.js`), words, { execArgv: [] }));
    started.push(program);
    return program;
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number | NodeJS.Signals> {
    this.child.kill(signal);
    return this.exit;
  }
}
