// From kill -9 of a worker to its task running elsewhere, by the defaults: node latency.mjs KILLS

import { Program } from "../build/tests/programs.js";
import { TestServer } from "../build/tests/servers.js";
import { quantile, systems } from "./systems.mjs";

const kills = Number(process.argv[2] ?? 200);
const server = await TestServer.start("--appendfsync everysec");
await server.call("TASK.CONFIG", "SET", "bench", "max-lost", 1000);
const q = systems.steward.queue(server.url);
let ran;
const times = [];
for (let kill = 0; kill < kills; kill++) {
  const victim = Program.start("worker", server.url, "bench", '{"concurrency":1}');
  await victim.ready;
  const job = await q.add("sleep", { ms: 60_000 }, { retain: 0, backoff: 0 });
  while ((await job.state())?.state !== "claimed") await new Promise((resolve) => setTimeout(resolve, 1));
  const begins = new Promise((resolve) => (ran = resolve));
  const w = await systems.steward.worker(server.url, 1, () => ran(performance.now()));
  const begin = performance.now();
  victim.child.kill("SIGKILL");
  times.push((await begins) - begin);
  await w.close();
}
const [p50, p99] = [0.5, 0.99].map((part) => quantile(times, part).toFixed(0));
console.log(`steward: from kill -9 to running elsewhere: p50 ${p50} ms, p99 ${p99} ms, n of ${kills}`);
await q.close();
await server.close();
