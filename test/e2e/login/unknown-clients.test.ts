/** Client ids that are none of ours, or no longer. RFC 6749 §4.1.2.1, §10.15. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import { type Change, Client } from '../../support/login-client.ts';
import { type Answer, fieldOf, type Login, startLogin } from '../../support/login-server.ts';

const MARKUP = '"><script>alert(1)</script>';

/** What people are shown who came with a client that is not known. */
async function assertShown(answer: Answer, login: Login, browser: Browser): Promise<void> {
  assert.deepEqual({ status: answer.status, location: answer.location }, { status: 400, location: undefined });
  assert.match(fieldOf(answer, 'content-type') ?? '', /^text\/html; charset=utf-8$/i);
  assert.match(fieldOf(answer, 'content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/);
  assert.ok(!/<script|alert/i.test(answer.text));
  assert.deepEqual(browser.arrivals, []);
  assert.deepEqual(await login.stored(), {});
  assert.equal(login.idp.requests.length, 0);
  assert.equal(browser.cookies.size, 0);
}

describe('RFC 6749 §4.1.2.1: an unknown client is answered to the person, who is sent nowhere', () => {
  const IDS: readonly (readonly [name: string, alter: (id: string) => Change['client_id']])[] = [
    ['none', () => undefined],
    ['an empty one', () => ''],
    ['two', (id) => [id, id]],
    ['an invented one', () => 'nobody'],
    ['markup', () => MARKUP],
    ['one with a bit turned', (id) => id.slice(0, -10) + (id.at(-10) === 'A' ? 'B' : 'A') + id.slice(-9)],
    ['one that is cut', (id) => id.slice(0, -1)],
    ['one that is longer', (id) => `${id}A`],
    ['one that is padded', (id) => `${id}=`],
    ['one in another case', (id) => id.toUpperCase()],
    ['one without its prefix', (id) => id.slice('obex-'.length)],
    ['one of 50,000 characters', (id) => id.padEnd(50_000, 'A')],
    ['a URL', () => 'https://evil.example/client.json'],
    ['a member of Object', () => '__proto__'],
  ];
  for (const [name, alter] of IDS) {
    it(`knows no client by ${name}`, async (context) => {
      const login = await startLogin(context);
      const client = await Client.register(login);
      const browser = new Browser(login);
      await assertShown(await browser.get(client.authorizeUrl({ client_id: alter(client.id) })), login, browser);
    });
  }

  it('knows no client of another server, nor one of a year ago', async (context) => {
    const other = await startLogin(context, { options: { secret: 'another secret, which is 32 bytes long' } });
    const foreign = await Client.register(other);
    context.mock.reset();
    const login = await startLogin(context);
    const browser = new Browser(login);
    await assertShown(await browser.get(new Client(login, foreign.id).authorizeUrl()), login, browser);
    const old = await Client.register(login);
    login.clock.setTime(Date.now() + 366 * 86_400_000);
    await assertShown(await browser.get(old.authorizeUrl()), login, browser);
  });
});
