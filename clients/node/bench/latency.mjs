// From kill -9 of a worker to its task running in another one, by the defaults: node latency.mjs KILLS

import { setTimeout as sleep } from "node:timers/promises";
import { Program } from "../build/tests/programs.js";
import { TestServer, until } from "../build/tests/servers.js";
import { quantile, systems } from "./systems.mjs";

const BATCH = 5;
const kills = Number(process.argv[2] ?? 200);
const server = await TestServer.start("--appendfsync everysec");
const q = systems.steward.queue(server.url);
let ran;
const rescuer = await systems.steward.worker(server.url, 20, () => ran(performance.now()));
const times = [];
/** Until the process itself was gone, which is the system's affair. */
const gone = [];
while (times.length < kills) {
  const victims = Array.from({ length: BATCH }, (_, index) => {
    const name = `victim-${times.length + index}`;
    return { name, program: Program.start("worker", server.url, "bench", JSON.stringify({ name, concurrency: 1 })) };
  });
  for (const { name, program } of victims) {
    await program.ready;
    // Only this worker may have it, until it is dead: none of them waits for another's.
    const job = await q.add("sleep", { ms: 3_600_000 }, { to: name, retain: 0, backoff: 0 });
    await until("it runs", async () => (await job.state())?.state === "claimed");
  }
  for (const { program } of victims) {
    // By then none of them is busy with its start.
    await sleep(200);
    const begins = new Promise((resolve) => (ran = resolve));
    const begin = performance.now();
    const exit = program.exit.then(() => gone.push(performance.now() - begin));
    program.child.kill("SIGKILL");
    times.push((await begins) - begin);
    await exit;
  }
}
const quantiles = (all) => [0.5, 0.99].map((part) => `p${part * 100} ${quantile(all, part).toFixed(0)} ms`).join(", ");
console.log(`steward: from kill -9 to running elsewhere: ${quantiles(times)}; until the process was gone: ${quantiles(gone)}; n of ${times.length}`);
await rescuer.close();
await q.close();
await server.close();
