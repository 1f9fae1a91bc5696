/** The section `admin`: what may control a running Obex, and that no other machine and no other user can. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accept, minimal, reject } from './loading.ts';

const TOKEN = 't'.repeat(32);

function admin(text: string, more = ''): string {
  return minimal(`admin: ${text}\n${more}`);
}

describe('admin.listen', () => {
  it('is nowhere unless it is named', () => {
    assert.deepEqual(accept(minimal()).config.admin, { listen: undefined });
  });

  it('is a unix path, or a port of loopback with a token', () => {
    assert.deepEqual(accept(admin('{ listen: "unix:/run/obex/c.sock" }')).config.admin, {
      listen: { path: '/run/obex/c.sock' },
    });
    for (const host of ['127.0.0.1', '127.9.9.9', '[::1]']) {
      const { listen, token } = accept(admin(`{ listen: "${host}:9902", token: "${TOKEN}" }`)).config.admin;
      assert.deepEqual([listen, token], [{ host: host.replace(/[[\]]/g, ''), port: 9902 }, TOKEN]);
    }
    const fromFile = admin('{ listen: "[::1]:9902", token_file: "/run/token" }');
    assert.equal(accept(fromFile, { files: { '/run/token': `${TOKEN}\n` } }).config.admin.token, TOKEN);
  });

  const forms = 'expected "unix:/run/obex/control.sock", "127.0.0.1:9902" or "[::1]:9902"';
  const others = 'other machines must not reach it';
  const required =
    'admin.token: is required with a port in admin.listen, which every user of the machine can reach; give it, or token_file, or ' +
    'write a unix path in admin.listen';
  const cases: Readonly<Record<string, readonly [text: string, problem: string]>> = {
    'every address': ['{ listen: ":9902" }', `admin.listen: ${forms}, got ":9902"; ${others}`],
    'an address of the network': [
      '{ listen: "10.0.0.5:9902" }',
      `admin.listen: ${forms}, got "10.0.0.5:9902"; ${others}`,
    ],
    'a name': ['{ listen: "localhost:9902" }', `admin.listen: ${forms}, got "localhost:9902"; ${others}`],
    'any port': [
      '{ listen: "127.0.0.1:0" }',
      `admin.listen: ${forms}, got "127.0.0.1:0"; name the port, which commands must know`,
    ],
    'a port without a token': ['{ listen: "127.0.0.1:9902" }', required],
    'a short token': [
      '{ listen: "127.0.0.1:9902", token: "short" }',
      'admin.token: expected at least 32 characters, such as the output of "openssl rand -base64 32"',
    ],
    'a token for a socket': [
      `{ listen: "unix:/run/c.sock", token: "${TOKEN}" }`,
      'admin.token: is for a port of loopback in admin.listen: a unix socket is kept by its permissions; delete it',
    ],
    'a token for nothing': [
      `{ token: "${TOKEN}" }`,
      'admin.token: is for a port of loopback in admin.listen: set that, or delete it',
    ],
  };
  for (const [name, [text, problem]] of Object.entries(cases)) {
    it(`refuses ${name}`, () => assert.deepEqual(reject(admin(text)), [`obex.yaml:7: ${problem}`]));
  }

  it('refuses the place of another listener', () => {
    const one = `{ listen: "127.0.0.1:9902", token: "${TOKEN}" }`;
    const taken = (key: string) => [`obex.yaml:7: admin.listen: is taken by ${key}; choose another`];
    assert.deepEqual(reject(admin(one, 'metrics: { listen: ":9902" }\n')), taken('metrics.listen'));
    const main = admin(one).replace('obex:\n', 'obex:\n  listen: "127.0.0.1:9902"\n');
    assert.deepEqual(reject(main), [`obex.yaml:8: admin.listen: is taken by obex.listen; choose another`]);
  });
});
