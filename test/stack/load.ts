/** Clients that post one message after the other, and the books of what became of each. */
import { postMessage } from '../../src/demo/plain-request.ts';

const CLIENTS = 8;

/** Obex itself answers in JSON. */
const PAGE_OF_PROXY = '<html>';

export interface Books {
  /** Status 200 and the whole body. */
  answered: number;
  /** 503 by an Obex that drains, or 502 by a proxy that found no Obex: nothing has reached the backend. */
  refused: number;
  /** No status came: nobody was listening, or the connection ended first. */
  unanswered: number;
  /** Whatever must not happen: another status. */
  readonly wrong: string[];
}

/** Runs until `stop`, which resolves when every client has had its last answer. */
export function startLoad(url: string, accessToken: string): { readonly books: Books; stop(): Promise<Books> } {
  const books: Books = { answered: 0, refused: 0, unanswered: 0, wrong: [] };
  const stopping = new AbortController();
  const client = async (): Promise<void> => {
    while (!stopping.signal.aborted) await postOnce(url, accessToken, books);
  };
  const clients = Array.from({ length: CLIENTS }, client);
  return {
    books,
    async stop() {
      stopping.abort();
      await Promise.all(clients);
      return books;
    },
  };
}

async function postOnce(url: string, accessToken: string, books: Books): Promise<void> {
  try {
    const { status, body } = await postMessage(url, accessToken);
    if (status === 200 && body.includes('"tools"')) books.answered += 1;
    else if (status === 503 || (status === 502 && body.startsWith(PAGE_OF_PROXY))) books.refused += 1;
    else books.wrong.push(`${status} ${body}`);
  } catch {
    books.unanswered += 1;
  }
}
