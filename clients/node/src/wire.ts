/** The wire format, shared with other languages: one JSON value a payload. See docs/wire-format.md. */

import { isUtf8 } from "node:buffer";
import { BadPayload, Unencodable } from "./errors.js";

/** What a task carries beside its data.
 * @example
 * const meta: Meta = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" };
 * await q.add("send", { to: "ann" }, { meta });
 */
export type Meta = Record<string, unknown>;
/** Makes JSON of a value that is none.
 * @example
 * const encoder: Encoder = (value) => (value instanceof Date ? value.toISOString() : value);
 * const dated = new Queue("dated", { encoder });
 * await dated.add("remind", { when: new Date(0) });
 */
export type Encoder = (value: unknown) => unknown;

const MAX_ERROR = 4096;

/** A payload. There is an envelope only if there is meta. */
export function encode(data: unknown, meta: Meta = {}, what = "data", encoder?: Encoder): string {
  const text = JSON.stringify(checked(data, what, encoder));
  if (Object.keys(meta).length === 0 && !text.startsWith('{"steward":')) return text;
  return `{"steward":1,"meta":${JSON.stringify(checked(meta, "meta", encoder))},"data":${text}}`;
}

/** The data of a payload and its meta. */
export function decode(payload: Buffer): { data: unknown; meta: Meta } {
  if (!isUtf8(payload)) throw new BadPayload("the payload is not JSON: it is not UTF-8");
  const text = payload.toString();
  const value = parsed(text);
  if (!text.startsWith('{"steward":')) return { data: value, meta: {} };
  const { meta } = value;
  if (!text.startsWith('{"steward":1,') || typeof meta !== "object" || !meta || Array.isArray(meta) || !("data" in value))
    throw new BadPayload("the payload has an envelope of a later version, or a broken one");
  return { data: value.data, meta };
}

function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadPayload(`the payload is not JSON: ${(error as Error).message}`);
  }
}

/** What is told of a failed attempt: `Class: message`, then the end of where it was, 4 KiB in all. */
export function errorText(error: unknown): string {
  const stacks: string[] = [];
  for (let one = error; one instanceof Error && stacks.length < 5; one = one.cause) stacks.push(one.stack ?? "");
  const first = firstLine(error).slice(0, 1024);
  let trace = stacks.join("\ncaused by ");
  if (trace.startsWith(first)) trace = trace.slice(first.length).replace(/^\n/, "");
  const bytes = Buffer.from(trace);
  const room = MAX_ERROR - Buffer.byteLength(first) - 1;
  // Half a character at the cut is left out.
  const end = bytes.length <= room ? trace : bytes.subarray(-room).toString().replace(/^\ufffd+/, "");
  return end ? `${first}\n${end}` : first;
}

function firstLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error).split("\n", 1)[0]!;
  const name = error.name === "Error" ? error.constructor.name : error.name;
  const message = error.message.trim().split("\n", 1)[0];
  return message ? `${name}: ${message}` : name;
}

/** The value if it is JSON that every language reads alike, mended by the encoder if there is one. */
function checked(value: unknown, where: string, encoder?: Encoder): unknown {
  switch (typeof value) {
    case "boolean":
      return value;
    case "string":
      if (value.isWellFormed()) return value;
      throw new Unencodable(`${named(where)} has half a surrogate pair, which is no text`);
    case "number":
      if (!Number.isFinite(value)) throw new Unencodable(`${named(where)} is ${value}, which JSON does not have`);
      // Written as digits, it would be taken for an integer that it may not be.
      if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21)
        throw new Unencodable(`${named(where)} is ${value}, beyond 2^53: send it as a string`);
      return value;
    case "object":
      if (value === null) return value;
      if (Array.isArray(value)) return checkedItems(value, where, encoder);
      if (isPlain(value)) return checkedFields(value as Record<string, unknown>, where, encoder);
  }
  if (encoder) return checked(encoder(value), where);
  const kind = typeof value === "object" ? `a ${value!.constructor?.name ?? "strange object"}` : `a ${typeof value}`;
  throw new Unencodable(`${named(where)} is ${kind}, which JSON does not have: convert it, or give an encoder`);
}

function checkedItems(items: unknown[], where: string, encoder?: Encoder): unknown[] {
  return Array.from(items, (item, index) => checked(item, `${where}[${index}]`, encoder));
}

function checkedFields(fields: Record<string, unknown>, where: string, encoder?: Encoder): Record<string, unknown> {
  let result = fields;
  for (const key in fields) {
    const value = fields[key];
    const inner = where === "data" ? key : `${where}.${key}`;
    // Left out, as everywhere in JavaScript.
    const good = value === undefined ? value : checked(value, inner, encoder);
    if (!key.isWellFormed()) throw new Unencodable(`${named(where)} has a key with half a surrogate pair`);
    if (good === value) continue;
    if (result === fields) result = { ...fields };
    result[key] = good;
  }
  return result;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && typeof (value as any).toJSON !== "function";
}

function named(where: string): string {
  return /^(data|the |meta)/.test(where) ? where : `"${where}"`;
}
