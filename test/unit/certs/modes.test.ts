/** TLS_MODE: which there are, and what each needs of its surroundings. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { CertsFolder } from './folder.ts';

describe('TLS_MODE=external', () => {
  it('is fine when TLS is off in Obex', (context) => {
    const folder = new CertsFolder(context);
    assert.deepEqual(folder.certs({ TLS_MODE: 'external', OBEX_TLS_ENABLED: 'false' }), {
      code: 0,
      stdout: 'TLS_MODE=external: Obex serves plain HTTP; the proxy in front ends TLS.\n',
      stderr: '',
    });
    assert.deepEqual(readdirSync(folder.path), []);
  });

  for (const value of [undefined, '', 'true']) {
    it(`is refused with OBEX_TLS_ENABLED=${value}`, (context) => {
      const env = { TLS_MODE: 'external', ...(value !== undefined && { OBEX_TLS_ENABLED: value }) };
      assert.deepEqual(new CertsFolder(context).certs(env), {
        code: 1,
        stdout: '',
        stderr: `ERROR: TLS_MODE=external but TLS is still enabled in Obex (the environment variable OBEX_TLS_ENABLED is "${value ?? ''}"; no configuration file is read here).
  Set OBEX_TLS_ENABLED=false, so that the proxy in front ends TLS; or choose another TLS_MODE.
`,
      });
    });
  }
});

describe('wrong usage', () => {
  const refusals: readonly [Readonly<Record<string, string>>, string][] = [
    [
      {},
      'the environment variable TLS_MODE: expected self-signed, provided or external, got ""; for example TLS_MODE=self-signed SERVER_IP=localhost obex certs',
    ],
    [
      { TLS_MODE: 'selfsigned' },
      'the environment variable TLS_MODE: expected self-signed, provided or external, got "selfsigned"; for example TLS_MODE=self-signed SERVER_IP=localhost obex certs',
    ],
    ...['https://tool.example', '10.0.0.300', 'a..b', '-a', '[::1]', 'fe80::1%eth0', 'tool.example:8443', 'a b'].map(
      (host): [Readonly<Record<string, string>>, string] => [
        { TLS_MODE: 'self-signed', SERVER_IP: host },
        `SERVER_IP: expected an IP address or a DNS name such as "10.0.0.5", got "${host}"`,
      ],
    ),
  ];
  for (const [env, problem] of refusals) {
    it(problem, (context) => {
      const folder = new CertsFolder(context);
      assert.deepEqual(folder.certs(env), { code: 2, stdout: '', stderr: `obex: ${problem}\n` });
      assert.deepEqual(readdirSync(folder.path), []);
    });
  }
});
