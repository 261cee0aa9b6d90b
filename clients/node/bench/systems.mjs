// The two systems, each in the setting that its documentation recommends for throughput.

import { createRequire } from "node:module";
import { Queue, Worker } from "../dist/esm/index.js";

const bull = createRequire(import.meta.url)("bullmq");

export const systems = {
  steward: {
    queue: (url) => new Queue("bench", { url }),
    add: (q, many, delay) => q.addMany("x", many, { retain: 0, ...(delay ? { delay } : {}) }),
    worker: async (url, concurrency, handler) => {
      const w = new Worker("bench", handler, { url, concurrency, signals: [] });
      await w.ready();
      return w;
    },
  },
  bullmq: {
    queue: (url) => new bull.Queue("bench", { connection: connection(url) }),
    add: (q, many, delay) => q.addBulk(many.map((data) => ({ name: "x", data, opts: { removeOnComplete: true, delay } }))),
    worker: async (url, concurrency, handler) => {
      const w = new bull.Worker("bench", handler, { connection: connection(url), concurrency });
      await w.waitUntilReady();
      return w;
    },
  },
};

function connection(url) {
  const { hostname: host, port } = new URL(url);
  return { host, port: Number(port), maxRetriesPerRequest: null };
}

export const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];
