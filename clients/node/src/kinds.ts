/** The types of tasks by their kinds. `T` of a queue is either the type of the data of all its tasks, or a map of the
 * kinds to functions: `{ send(data: Mail): string; sweep(): void }`. */

/** What a map of kinds to functions is.
 * @example
 * type Tasks = { send(data: { to: string }): string; sweep(): void };
 * const pauseAll = async <T extends Kinds>(queues: Queue<T>[]) => {
 *   for (const queue of queues) await queue.pause();
 * };
 * await pauseAll([new Queue<Tasks>("mail"), new Queue<Tasks>("news")]);
 */
export type Kinds = Record<string, (data: any) => unknown>;
// An `any` stays one.
type IsKinds<T> = 0 extends 1 & T ? false : T extends Kinds ? true : false;

export type KindOf<T> = IsKinds<T> extends true ? keyof T & string : string;
export type DataOf<T, K> = IsKinds<T> extends true ? (K extends keyof T ? InputOf<T[K]> : never) : T;
export type ResultOf<T, R, K> = IsKinds<T> extends true ? (K extends keyof T ? OutputOf<T[K]> : never) : R;

type InputOf<F> = F extends (...data: infer A) => unknown ? (A extends [infer D, ...unknown[]] ? D : Empty) : never;
type OutputOf<F> = F extends (...data: any[]) => infer R ? Awaited<R> : never;
/** The data of a kind that has none. */
export type Empty = Record<string, never> | undefined;
