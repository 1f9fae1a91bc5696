/** Requests with DPoP proofs, at an IdP and at Obex alike: one key, a proof for each, the server's nonce when asked for. RFC 9449 §4–§9. */
import { generateProof, type KeyPair } from 'dpop';

const TIMEOUT_MS = 10_000;

export interface ProvenRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For requests to a resource: the token that the proof must name (`ath`). */
  readonly accessToken?: string;
}

export interface ProvenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** The proof that this is the answer to. */
  readonly proof: string;
}

export interface BoundClientOptions {
  readonly keys: KeyPair;
  /** Called when a server wants a nonce, before the request is sent again with it. */
  readonly onNonceDemand?: (origin: string) => void;
}

export class BoundClient {
  readonly #options: BoundClientOptions;
  /** The last nonce of each server (§8.2). */
  readonly #nonces = new Map<string, string>();

  constructor(options: BoundClientOptions) {
    this.#options = options;
  }

  /** Posts with a new proof; once more, with the nonce given, when the server demands one (§8, §9). */
  async post(request: ProvenRequest): Promise<ProvenAnswer> {
    const answer = await this.postWith(await this.#prove(request), request);
    if (!isNonceDemand(answer)) return answer;
    this.#options.onNonceDemand?.(new URL(request.url).origin);
    return this.postWith(await this.#prove(request), request);
  }

  /** Posts with a given proof, as whoever has seen one could. */
  async postWith(proof: string, { url, headers, body }: ProvenRequest): Promise<ProvenAnswer> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, DPoP: proof },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const nonce = response.headers.get('dpop-nonce');
    if (nonce !== null) this.#nonces.set(new URL(url).origin, nonce);
    return { status: response.status, headers: response.headers, body: await response.text(), proof };
  }

  #prove({ url, accessToken }: ProvenRequest): Promise<string> {
    const { origin, pathname } = new URL(url);
    return generateProof(this.#options.keys, origin + pathname, 'POST', this.#nonces.get(origin), accessToken);
  }
}

/** §8: an authorization server says so in the body, §9: a resource in its challenge. */
function isNonceDemand({ status, headers, body }: ProvenAnswer): boolean {
  if ((status !== 400 && status !== 401) || !headers.has('dpop-nonce')) return false;
  return /error="use_dpop_nonce"/.test(headers.get('www-authenticate') ?? '') || /"use_dpop_nonce"/.test(body);
}
