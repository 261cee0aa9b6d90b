/** Tasks, cron, workflows and leader election on Redis or Valkey with the module steward. */

export * from "./errors.js";
export type { Event, EventOptions } from "./events.js";
export type { Step, StepOptions } from "./flow.js";
export type { Handler, Handlers } from "./handlers.js";
export { Job, type State } from "./job.js";
export type { Kinds } from "./kinds.js";
export { Epoch, lead, type LeadOptions } from "./lead.js";
export { members, register, Registration, type Member, type RegisterOptions } from "./members.js";
export type { AddOptions, TaskOptions } from "./options.js";
export { Queue, type Limits, type QueueOptions } from "./queue.js";
export type { Definition, RecurringOptions } from "./recurring.js";
export type { ServerOptions } from "./server.js";
export { Task } from "./task.js";
export type { Duration, Moment } from "./times.js";
export type { Encoder, Meta } from "./wire.js";
export { Worker, type WorkerOptions } from "./worker.js";
