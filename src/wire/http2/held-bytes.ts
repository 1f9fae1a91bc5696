/** What all connections keep together because of their peers, in bytes: beyond a limit the one that keeps most gives way. RFC 9113 §10.5. */

/** Whoever keeps something. */
export interface Holder {
  /** Its share is the greatest when there is too much of all: it is to let go of everything, soon. */
  giveWay(): void;
}

/** The part of one holder. */
export class Share {
  bytes = 0;
  readonly holder: Holder;
  readonly #all: HeldBytes;

  constructor(holder: Holder, all: HeldBytes) {
    this.holder = holder;
    this.#all = all;
  }

  /** More, or less when `bytes` is negative. */
  add(bytes: number): void {
    if (bytes === 0) return;
    this.bytes += bytes;
    this.#all.add(this, bytes);
  }

  /** The holder has gone. */
  close(): void {
    this.#all.delete(this);
  }
}

export class HeldBytes {
  readonly #most: number;
  readonly #shares = new Set<Share>();
  #total = 0;

  constructor(most: number) {
    this.#most = most;
  }

  open(holder: Holder): Share {
    const share = new Share(holder, this);
    this.#shares.add(share);
    return share;
  }

  /** For shares. One that has gone, or has been told to give way, counts no longer. */
  add(share: Share, bytes: number): void {
    if (!this.#shares.has(share)) return;
    this.#total += bytes;
    while (this.#total > this.#most) this.#relieve();
  }

  delete(share: Share): void {
    if (this.#shares.delete(share)) this.#total -= share.bytes;
  }

  /** Looks at every share: each time costs somebody a connection. */
  #relieve(): void {
    let greatest: Share | undefined;
    for (const share of this.#shares) {
      if (greatest === undefined || share.bytes > greatest.bytes) greatest = share;
    }
    if (greatest === undefined) return;
    this.delete(greatest);
    greatest.holder.giveWay();
  }
}
