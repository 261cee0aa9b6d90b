/** What the compiler must know of kinds: this file is only compiled. */

import { Queue, Worker } from "steward-redis";

type Mail = { to: string };
type Tasks = { send(data: Mail): Promise<string>; sweep(): void };

export async function typed(): Promise<void> {
  const one = new Queue<Mail, string>("one");
  const text: string = await (await one.add("anything", { to: "ann" })).result();
  // @ts-expect-error the data has no such field
  await one.add("anything", { too: text });

  const many = new Queue<Tasks>("many");
  const sent: string = await (await many.add("send", { to: sent0 })).result();
  await many.add("sweep");
  // @ts-expect-error there is no such kind
  await many.add("sent", { to: sent });
  // @ts-expect-error another kind's data
  await many.add("sweep", { to: sent });

  new Worker<Tasks>("many", { send: async (task) => task.data.to, sweep: () => {} });
  // @ts-expect-error one handler is missing
  new Worker<Tasks>("many", { send: async (task) => task.data.to });
  // @ts-expect-error a result of another type
  new Worker<Tasks>("many", { send: async () => 5, sweep: () => {} });
  new Worker<Mail, string>("one", (task) => task.data.to);
}

declare const sent0: string;
