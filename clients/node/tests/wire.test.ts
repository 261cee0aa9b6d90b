import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decode, encode, errorText } from "#dist/wire.js";
import { ROOT } from "./servers.js";

const vectors = JSON.parse(readFileSync(join(ROOT, "clients/wire/vectors.json"), "utf8"));

test("what is encoded is the same in all languages", () => {
  for (const { data, meta, payload } of vectors.encode) assert.equal(encode(data, meta), payload);
});

test("what was encoded is read back, also what others write in another way", () => {
  for (const { data, meta = {}, payload } of [...vectors.encode, ...vectors.decode])
    assert.deepEqual(decode(Buffer.from(payload)), { data, meta });
});

test("what is not of the format is refused", () => {
  for (const payload of vectors.refuse) assert.throws(() => decode(Buffer.from(payload)), { name: "BadPayload" }, payload);
  assert.throws(() => decode(Buffer.from([0x22, 0xff, 0x22])), { name: "BadPayload" });
});

test("what JSON does not have is refused, by its name", () => {
  const values: Record<string, unknown> = {
    NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity, "9007199254740993": 9007199254740993n, bytes: Buffer.from("x"), datetime: new Date(),
  };
  for (const { path, value, names } of vectors.unencodable) {
    const data = path.reduceRight((inner: unknown, step: string | number) => (typeof step === "number" ? [...Array(step).fill(0), inner] : { [step]: inner }), values[value]);
    assert.throws(() => encode(data), (error: Error) => error.name === "Unencodable" && error.message.includes(`"${names}"`), names);
  }
  assert.throws(() => encode({ n: 2 ** 53 }), /"n" is 9007199254740992, beyond 2\^53: send it as a string/);
  assert.throws(() => encode({ text: "\ud800" }), /half a surrogate pair/);
  assert.throws(() => encode([undefined]), /data\[0\] is a undefined/);
});

test("an encoder makes JSON of other values; undefined fields are left out", () => {
  const encoder = (value: unknown) => (value instanceof Date ? value.toISOString() : value);
  assert.equal(encode({ when: new Date(0), none: undefined }, {}, "data", encoder), '{"when":"1970-01-01T00:00:00.000Z"}');
  assert.equal(encode({ far: 1e300, half: 0.5 }), '{"far":1e+300,"half":0.5}');
});

test("the text of an error has its class first, its cause too, and 4 KiB at most", () => {
  const text = errorText(new RangeError("oh\nno", { cause: new TypeError("why") }));
  assert.match(text, /^RangeError: oh\n[^]*\n *at [^]*caused by TypeError: why/);
  assert.equal(errorText("just a text"), "just a text");
  class NoRoute extends Error {}
  assert.match(errorText(new NoRoute("x")), /^NoRoute: x\n/);
  const long = errorText(new Error("ü".repeat(5000)));
  assert.ok(Buffer.byteLength(long) <= 4096 && !long.includes("\ufffd"));
});
