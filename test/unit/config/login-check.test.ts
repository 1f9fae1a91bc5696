/** `login` in `obex check`, and over a reload. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCheck } from '../../../src/commands/check.ts';
import { refuseFixedChanges } from '../../../src/compose/reload.ts';
import { createTempFolder, type TempFolder } from '../../support/temp-folder.ts';
import { accept, minimalIdp } from './loading.ts';
import { CLIENT_SECRET, google, oidc } from './login-config.ts';

let folder: TempFolder;
before(() => {
  folder = createTempFolder('login-check');
});
after(() => folder.remove());

async function check(text: string): Promise<string> {
  const config = join(folder.path, 'obex.yaml');
  writeFileSync(config, text);
  let stdout = '';
  const code = await runCheck({
    flags: { config: [config] },
    strict: false,
    env: {},
    nowMs: 0,
    stdout: (more) => {
      stdout += more;
    },
    stderr: (more) => assert.fail(more),
  });
  assert.equal(code, 0);
  return stdout;
}

const linesOf = (stdout: string) => stdout.split('\n').filter((line) => /^(phase|login): \S/.test(line));

describe('obex check with login', () => {
  it('says what to enter at the IdP, who issues tokens and who is let in; no secret', async () => {
    const stdout = await check(google());
    assert.deepEqual(linesOf(stdout), [
      'phase: 2 (every request needs a token that Obex has signed for this resource)',
      'login: enter the redirect URI https://tool.example/oauth/callback at https://accounts.google.com, for the client obex',
      'login: tokens are issued by https://tool.example',
      'login: allowed are addresses at example.com',
    ]);
    assert.ok(!stdout.includes(CLIENT_SECRET));
  });

  it('names everybody in capitals, and all lists there are', async () => {
    const everyone = google('  dangerously_allow_everyone: true\n').replace(/ {2}allow: .*\n/, '');
    assert.equal(linesOf(await check(everyone)).at(-1), 'login: allowed are ALL who have an account at the IdP');
    const lists =
      'allow: { emails: ["a@b.example"], email_domains: [c.example, d.example], groups: [g], subjects: ["1"] }';
    assert.equal(
      linesOf(await check(oidc().replace(/allow: .*/, lists))).at(-1),
      'login: allowed are addresses a@b.example; addresses at c.example, d.example; groups g; subjects 1',
    );
  });

  it('says whose tokens are accepted where there is an idp too', async () => {
    const [phase] = linesOf(await check(google('idp: { issuer: "https://auth.example/" }\n')));
    assert.equal(phase, 'phase: 2 (every request needs a token that Obex or the idp has signed for this resource)');
    assert.equal(linesOf(await check(minimalIdp())).length, 1);
  });

  it('says that the key and the logo cannot be read', async () => {
    const stdout = await check(google('  logo_file: /none/logo\n'));
    assert.match(stdout, /^warning: on this machine, login\.logo_file: cannot read \/none\/logo \(ENOENT\)/m);
  });

  it('says that the authorities of the IdP cannot be read', async () => {
    const stdout = await check(google('  tls: { ca_file: /none/ca }\n'));
    assert.match(stdout, /^warning: on this machine, login\.tls\.ca_file: cannot read \/none\/ca \(ENOENT\)/m);
  });
});

describe('over a reload', () => {
  const { config } = accept(google('idp: { issuer: "https://auth.example/" }\n'));

  it('a login stays what it is, or gone: its thread stands', () => {
    const gone = accept(minimalIdp()).config;
    const message = 'a reload cannot change whether there is a login; restart Obex to change it';
    const withSecret = { ...gone, obex: config.obex };
    assert.throws(() => refuseFixedChanges(config, withSecret), { message });
    assert.throws(() => refuseFixedChanges(withSecret, config), { message });
  });

  it('its store stays: another would know nobody', () => {
    const elsewhere = accept(google('  store: { backend: sqlite, path: /l.db }\n')).config;
    assert.throws(() => refuseFixedChanges(accept(google()).config, elsewhere), {
      message: 'a reload cannot change login.store; restart Obex to change it',
    });
  });

  it('to lose the only login is a change of phase', () => {
    const login = accept(google()).config;
    const { login: _login, idp: _idp, ...open } = login;
    assert.throws(() => refuseFixedChanges(login, { ...open, login: undefined, idp: undefined }), {
      message:
        'a reload cannot change the phase, from 2 to 1, with less protection: is something missing in the file?; restart Obex to ' +
        'change it',
    });
  });

  it('who is let in may change', () => {
    const changed = google().replace('example.com', 'other.example');
    refuseFixedChanges(accept(google()).config, accept(changed).config);
  });
});
