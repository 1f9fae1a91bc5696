/** A `fetch` for official clients that keeps a record of their exchanges and can cut a stream under their hands. */

export interface ObservedExchange {
  readonly method: string;
  readonly url: string;
  readonly requestHeaders: Headers;
  readonly status: number;
  readonly responseHeaders: Headers;
}

export interface ObservedFetch {
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  /** In the order in which the answers came. */
  readonly exchanges: readonly ObservedExchange[];
  /** Breaks the connection of the latest POST that is answered with an event stream, as a lost network would. */
  cutStream(): void;
}

export function createObservedFetch(): ObservedFetch {
  const exchanges: ObservedExchange[] = [];
  let latestStream: AbortController | undefined;
  return {
    exchanges,
    async fetch(url, init = {}) {
      const cut = new AbortController();
      const signal = init.signal ? AbortSignal.any([init.signal, cut.signal]) : cut.signal;
      const response = await fetch(url, { ...init, signal });
      const method = init.method ?? 'GET';
      exchanges.push({
        method,
        url: String(url),
        requestHeaders: new Headers(init.headers),
        status: response.status,
        responseHeaders: response.headers,
      });
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
      if (method === 'POST' && isStream) latestStream = cut;
      return response;
    },
    cutStream() {
      if (!latestStream) throw new Error('there is no stream to cut');
      latestStream.abort();
    },
  };
}
