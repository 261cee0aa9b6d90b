/** Signals of the process, heard once for all workers in it. */

type Hear = (signal: NodeJS.Signals) => void;

const hearers = new Map<NodeJS.Signals, Set<Hear>>();

export function listen(signal: NodeJS.Signals, hear: Hear): void {
  if (!hearers.has(signal)) {
    hearers.set(signal, new Set());
    process.on(signal, tell);
  }
  hearers.get(signal)!.add(hear);
}

export function unlisten(signal: NodeJS.Signals, hear: Hear): void {
  hearers.get(signal)?.delete(hear);
  if (hearers.get(signal)?.size !== 0) return;
  hearers.delete(signal);
  process.off(signal, tell);
}

function tell(signal: NodeJS.Signals): void {
  for (const hear of [...hearers.get(signal)!]) hear(signal);
}
