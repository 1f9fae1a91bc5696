/** `fetch` over a unix socket, as the threads that serve come to a program: with the secret, and an identity. */
import { request } from 'node:http';
import type { Readable } from 'node:stream';
import type { ProgramsPlace } from '../../../src/programs/options.ts';

export type Fields = Readonly<Record<string, string>>;

/** `identity`: fields of every request. */
export function createSocketFetch({ socketPath, hop }: ProgramsPlace, identity: Fields): typeof fetch {
  return async (input, init) => {
    const asked = new Request(input, init);
    const body = asked.body === null ? undefined : Buffer.from(await asked.arrayBuffer());
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const { pathname } = new URL(asked.url);
    const headers = { ...Object.fromEntries(asked.headers), ...identity, 'x-obex-hop': hop };
    const sent = request({ socketPath, path: pathname, method: asked.method, headers }, (response) => {
      const { statusCode = 0, rawHeaders } = response;
      const fields = new Headers();
      for (let at = 0; at < rawHeaders.length; at += 2) fields.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
      const isEmpty = statusCode === 204 || statusCode === 304;
      // A stream that its reader gives up is an error to whoever converts it.
      response.on('error', () => undefined);
      resolve(new Response(isEmpty ? null : toWeb(response), { status: statusCode, headers: fields }));
    });
    sent.on('error', reject);
    asked.signal.addEventListener('abort', () => sent.destroy(new Error('aborted')));
    sent.end(body);
    return promise;
  };
}

function toWeb(response: Readable): ReadableStream {
  const chunks = response[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      try {
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(new Uint8Array(next.value));
      } catch (error) {
        controller.error(error);
      }
    },
    cancel: () => void response.destroy(),
  });
}
