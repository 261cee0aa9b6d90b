/** Signals of the process, for any number of workers: Node warns of more than ten listeners. */

type Listener = (signal: NodeJS.Signals) => void;

const listeners = new Map<NodeJS.Signals, Set<Listener>>();

const tell: Listener = (signal) => {
  for (const listener of [...(listeners.get(signal) ?? [])]) listener(signal);
};

export function listen(signal: NodeJS.Signals, listener: Listener): void {
  const those = listeners.get(signal) ?? new Set();
  if (!those.size) process.on(signal, tell);
  listeners.set(signal, those.add(listener));
}

export function unlisten(signal: NodeJS.Signals, listener: Listener): void {
  const those = listeners.get(signal);
  if (those?.delete(listener) && !those.size) process.off(signal, tell);
}
