// Empty tasks a second, CPU of worker and server a task, and lateness of delayed tasks: node throughput.mjs RUNS TASKS

import { TestServer } from "../build/tests/servers.js";
import { quantile, systems } from "./systems.mjs";

const [runs = 9, tasks = 20_000] = process.argv.slice(2).map(Number);

async function serverCpu(server) {
  const text = await server.redis.info("cpu");
  return ["user", "sys"].reduce((sum, part) => sum + Number(new RegExp(`used_cpu_${part}:([\\d.]+)`).exec(text)[1]), 0) * 1e6;
}

async function drain(system, concurrency) {
  const server = await TestServer.start("--appendfsync everysec");
  const q = system.queue(server.url);
  for (let i = 0; i < tasks; i += 1000) await system.add(q, Array.from({ length: 1000 }, (_, k) => ({ i: i + k })));
  let left = tasks;
  let done;
  const all = new Promise((resolve) => (done = resolve));
  const [before, cpu, begin] = [await serverCpu(server), process.cpuUsage(), performance.now()];
  const w = await system.worker(server.url, concurrency, async () => void (--left || done()));
  await all;
  const seconds = (performance.now() - begin) / 1000;
  const { user, system: sys } = process.cpuUsage(cpu);
  const figures = { rate: tasks / seconds, worker: (user + sys) / tasks, server: ((await serverCpu(server)) - before) / tasks };
  await w.close();
  await q.close();
  await server.close();
  return figures;
}

/** How late a hundred delayed tasks are in ms, and a timer of this process for each, which shows how busy the machine is. */
async function lateness(system) {
  const server = await TestServer.start("--appendfsync everysec");
  const q = system.queue(server.url);
  const tasks = [];
  const timers = [];
  const w = await system.worker(server.url, 20, async ({ data }) => void tasks.push(Date.now() - data.due));
  // Idle in between, as a queue with a few reminders is.
  for (let i = 0; i < 100; i++) {
    const delay = 200 + i * 30;
    const due = Date.now() + delay;
    await system.add(q, [{ due }], delay);
    setTimeout(() => timers.push(Date.now() - due), due + 15 - Date.now()).unref();
  }
  while (tasks.length < 100) await new Promise((resolve) => setTimeout(resolve, 50));
  await w.close();
  await q.close();
  await server.close();
  return { tasks, timers: timers.map((late) => late - 15) };
}

for (const concurrency of [20, 50]) {
  const found = Object.fromEntries(Object.keys(systems).map((name) => [name, []]));
  for (let run = 0; run < runs; run++) for (const name in systems) found[name].push(await drain(systems[name], concurrency));
  for (const name in systems) {
    const median = (key) => quantile(found[name].map((one) => one[key]), 0.5);
    console.log(
      `${name}, concurrency ${concurrency}: ${Math.round(median("rate"))} tasks/s, CPU a task: worker ${median("worker").toFixed(1)} us, server ${median("server").toFixed(1)} us (median of ${runs})`,
    );
  }
}
const late = Object.fromEntries(Object.keys(systems).map((name) => [name, []]));
for (let run = 0; run < runs; run++) for (const name in systems) late[name].push(await lateness(systems[name]));
for (const name in systems) {
  const [tasks, timers] = ["tasks", "timers"].map((what) => late[name].flatMap((one) => one[what]));
  const [p50, p99] = [0.5, 0.99].map((part) => quantile(tasks, part));
  console.log(`${name}: a delayed task is late by p50 ${p50} ms, p99 ${p99} ms (n of ${tasks.length}); a timer of the process by p99 ${quantile(timers, 0.99)} ms`);
}
