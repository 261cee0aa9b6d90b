/** The claims that are to be kept alive, in memory that a worker shares with its keeper: a place for each task that may
 * run at once. Writing needs no lock and no message, as a busy thread sends none. */

const LONGEST_ID = 256;

export interface Claim {
  id: string;
  token: number;
}

export class Board {
  private readonly tokens: Float64Array;
  private readonly lengths: Int32Array;
  private readonly ids: Buffer;

  constructor(
    readonly places: number,
    readonly memory = new SharedArrayBuffer(places * (8 + 4 + LONGEST_ID)),
  ) {
    this.tokens = new Float64Array(memory, 0, places);
    this.lengths = new Int32Array(memory, places * 8, places);
    this.ids = Buffer.from(memory, places * 12, places * LONGEST_ID);
  }

  /** Keeps a claim alive from now on. */
  put(place: number, id: string, token: number): void {
    this.tokens[place] = 0;
    // A half-written id is no harm: the token is not its.
    Atomics.store(this.lengths, place, this.ids.write(id, place * LONGEST_ID, LONGEST_ID));
    this.tokens[place] = token;
  }

  /** The claim of a place is over. */
  clear(place: number): void {
    this.tokens[place] = 0;
  }

  /** The claims there are, by their places. */
  claims(): Map<number, Claim> {
    const found = new Map<number, Claim>();
    this.tokens.forEach((token, place) => {
      if (!token) return;
      const begin = place * LONGEST_ID;
      const id = this.ids.toString("utf8", begin, begin + Atomics.load(this.lengths, place));
      if (this.tokens[place] === token) found.set(place, { id, token });
    });
    return found;
  }
}
