/** File descriptors do not run out: what finds none is refused with words, and others go on. getrlimit(2), proc(5). */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { formatConfig } from '../support/obex.ts';
import { startObexProcess } from '../support/obex-process.ts';
import { openRaw, type RawClient, startRawBackend } from '../support/raw-http.ts';
import { until } from '../support/until.ts';

const LIMIT = 160;
/** What Obex keeps back of them: 64, and the idle connections to the backend. */
const SPARE = LIMIT - 64 - 10;

const ASK = 'GET / HTTP/1.1\r\nHost: tool.example.com\r\nAuthorization: Bearer x\r\n\r\n';

async function start(context: TestContext, sections: { limits?: string; metrics?: string } = {}) {
  const backend = await startRawBackend(() => undefined);
  const obex = await startObexProcess({
    config: formatConfig({ backend, sections: { backend: 'max_idle_conns: 10', ...sections } }),
    descriptors: LIMIT,
  });
  context.after(async () => {
    await obex.stop();
    await backend.close();
  });
  const open = async (port: number, count: number): Promise<RawClient[]> => {
    const clients = await Promise.all(Array.from({ length: count }, () => openRaw(port)));
    context.after(() => {
      for (const client of clients) client.destroy();
    });
    return clients;
  };
  const scrape = async (port: number): Promise<string> => {
    const [client] = await open(port, 1);
    await client?.send('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    return String((await client?.readResponse())?.body);
  };
  return { obex, backend, open, scrape };
}

describe('the limit of file descriptors', () => {
  it('kept connections that all ask at once: as many requests as find a descriptor, 503 for the others', async (context) => {
    const { obex, backend, open } = await start(context);
    const clients = await open(obex.port, SPARE - 6);
    // A connection stands at the client before Obex has accepted it, and until then it takes no descriptor.
    for (const client of clients) {
      await client.send('GET /health HTTP/1.1\r\nHost: tool.example.com\r\n\r\n');
      assert.equal((await client.readResponse()).status, 200);
    }
    const answers: string[] = [];
    for (const client of clients) {
      await client.send(ASK);
      void client.readResponse().then(
        ({ status, body }) => answers.push(`${status} ${String(body)}`),
        () => undefined,
      );
    }
    await until('the others to be answered', () => (answers.length >= clients.length - 6 ? true : undefined));
    for (const answer of answers) assert.match(answer, /^503 .*"reason":"overloaded"/);
    await until('the backend to have the rest', () => (backend.connections.length === 6 ? true : undefined));
    assert.equal(obex.output().includes('EMFILE'), false);
  });

  it('the metrics listener has its own, which are not of the main one, nor are its refusals', async (context) => {
    const port = await freePort();
    const { obex, backend, open, scrape } = await start(context, {
      limits: 'max_connections: 4',
      metrics: `listen: "127.0.0.1:${port}"`,
    });
    const text = await scrape(port);
    assert.match(text, /obex_accept_failures_total\{reason="max_connections"\} 0\n/);
    const strangers = await open(port, 100);
    await until('those beyond its limit to be closed', () =>
      strangers.filter(({ socket }) => socket.closed).length >= 36 ? true : undefined,
    );
    const [client] = await open(obex.port, 1);
    await client?.send(ASK);
    await until('the backend to be asked', () => (backend.connections.length === 1 ? true : undefined));
    for (const each of strangers) each.destroy();
    await until('an answer again', async () => {
      const scraped = await scrape(port).catch(() => '');
      return scraped.includes('reason="max_connections"} 0\n') ? true : undefined;
    });
    assert.equal(
      obex.logs().some(({ event }) => event === 'accept_failed'),
      false,
    );
  });
});
