/** A worker in a process of its own: node worker.js URL QUEUE [OPTIONS as JSON]. */

import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "steward-redis";

const [url, queue, options = "{}"] = process.argv.slice(2);

const worker = new Worker(queue!, {
  /** Takes its time, and then writes that it was there. */
  sleep: async (task, signal) => {
    await sleep(task.data.ms, undefined, { signal });
    if (task.data.file) appendFileSync(task.data.file, "x");
    return process.pid;
  },
  /** Holds up the event loop. */
  block: (task) => {
    const end = Date.now() + task.data.ms;
    while (Date.now() < end);
    return process.pid;
  },
}, { url: url!, ...JSON.parse(options) });

await worker.ready();
process.send?.("ready");
process.disconnect?.();
