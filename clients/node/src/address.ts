/** Addresses of servers, in the forms of docs/steward.md. Never shown, as they may have a password. */

import type { RedisOptions } from "ioredis";

const FORMS = "redis://, rediss://, unix://, redis+sentinel://HOST,HOST/NAME/DB or redis+cluster://HOST,HOST";

/** A host and its port. */
export interface Host {
  host: string;
  port: number;
}

/** Where servers are, and who we are there. */
export interface Address {
  form: "redis" | "unix" | "redis+sentinel" | "redis+cluster";
  hosts: Host[];
  /** What ioredis is told of each connection. */
  options: RedisOptions;
}

/** Reads an address. */
export function parseAddress(text: string): Address {
  const found = /^([a-z+]+):\/\/(?:([^@]*)@)?([^?]*)(?:\?(.*))?$/.exec(text);
  if (!found) throw new TypeError(`the address has none of the forms ${FORMS}`);
  const [, scheme = "", info, rest = "", query = ""] = found;
  const tls = scheme.startsWith("rediss");
  const address = place(scheme.replace("rediss", "redis"), rest, query);
  const options: RedisOptions = { ...address.options };
  if (tls) options.tls = {};
  if (info !== undefined) {
    const [user, ...password] = info.split(":");
    if (user) options.username = decodeURIComponent(user);
    if (password.length) options.password = decodeURIComponent(password.join(":"));
  }
  return { ...address, options };
}

function place(form: string, text: string, query: string): Address {
  const [names = "", ...path] = text.split("/");
  switch (form) {
    case "unix":
      return { form, hosts: [], options: { path: decodeURIComponent(text), db: database(query.replace(/^db=/, "")) } };
    case "redis": {
      const hosts = parseHosts(names, 6379);
      if (hosts.length !== 1)
        throw new TypeError("the address names several hosts: use redis+sentinel:// or redis+cluster://");
      return { form, hosts, options: { db: database(path[0]) } };
    }
    case "redis+sentinel": {
      const [name, db] = path;
      if (!name) throw new TypeError("the address lacks the name of the primary: redis+sentinel://HOST,HOST/NAME");
      return { form, hosts: parseHosts(names, 26379), options: { name: decodeURIComponent(name), db: database(db) } };
    }
    case "redis+cluster":
      if (path[0] && path[0] !== "0") throw new TypeError("the address names a database: a cluster has only database 0");
      return { form, hosts: parseHosts(names, 6379), options: {} };
  }
  throw new TypeError(`the address has the unknown scheme "${form}"; known are ${FORMS}`);
}

function parseHosts(text: string, port: number): Host[] {
  return text.split(",").map((one) => parseHost(one, port));
}

/** A host and its port; an IPv6 address stands in brackets. */
export function parseHost(text: string, port: number): Host {
  const found = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(text);
  if (!found || Number(found[3]) > 65535) throw new TypeError("the address has a port that is no number up to 65535");
  return { host: found[1] || found[2] || "localhost", port: Number(found[3] || port) };
}

function database(text = ""): number {
  if (!/^\d*$/.test(text)) throw new TypeError("the address has a database that is no number");
  return Number(text);
}
