/** `introspection`: what may stand there, its secret from a file, and for whom it is. RFC 7662 §2, §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatEffectiveConfig } from '../../../src/config/mask.ts';
import { accept, minimalIdp, reject } from './loading.ts';

const SECRET = 'hunter2';

function introspection(more = '', secret = `client_secret: ${SECRET}`): string {
  return `  introspection:\n    client_id: obex\n    ${secret}\n${more}`;
}

/** Its key stands in line 10 of `minimalIdp`, unless `above` has lines. */
function additional(section: string, above = ''): string {
  const indented = section.replaceAll(/^/gm, '    ').trimEnd();
  return minimalIdp(`${above}  additional_issuers:\n    - issuer: "https://other.example"\n${indented}\n`);
}

describe('introspection', () => {
  it('has defaults for all but the client', () => {
    const { idp } = accept(minimalIdp(introspection())).config;
    assert.deepEqual(idp?.introspection, {
      client_id: 'obex',
      client_secret: SECRET,
      tokens: 'opaque',
      cache_ttl: 30_000,
    });
    assert.equal(accept(minimalIdp()).config.idp?.introspection, undefined);
  });

  it('is never inherited', () => {
    const text = minimalIdp(`${introspection()}  additional_issuers:\n    - issuer: "https://other.example"\n`);
    assert.equal(accept(text).config.idp?.additional_issuers[0]?.introspection, undefined);
  });

  it('is refused where it stands twice, since an opaque token does not say whose it is', () => {
    assert.deepEqual(reject(additional(introspection(), introspection())), [
      'obex.yaml:14: idp.additional_issuers[0].introspection: is taken by idp.introspection: an opaque token does not say whose ' +
        'it is; delete one of them',
    ]);
  });

  it('is refused when it is empty, or without its client', () => {
    assert.deepEqual(reject(minimalIdp('  introspection:\n')), [
      'obex.yaml:9: idp.introspection: is empty; give it its keys, or delete it',
    ]);
    assert.deepEqual(reject(minimalIdp('  introspection: { tokens: opaque }\n')), [
      'obex.yaml:9: idp.introspection.client_id: is required; for example "obex"',
      'obex.yaml:9: idp.introspection.client_secret: is required; for example "${INTROSPECTION_SECRET}"',
    ]);
  });

  it('asks over https, unless http is allowed or on loopback', () => {
    const at = (endpoint: string): string => minimalIdp(introspection(`    endpoint: "${endpoint}"\n`));
    for (const endpoint of ['https://auth.example/introspect', 'http://127.0.0.1:9/i', '']) accept(at(endpoint));
    accept(`${at('http://auth.example/i')}  dangerously_allow_http: true\n`);
    assert.deepEqual(reject(at('http://auth.example/i')), [
      'obex.yaml:12: idp.introspection.endpoint: must begin with https://, for whoever sits on the network could forge tokens, ' +
        'got "http://auth.example/i"; http is for loopback, or for development with idp.dangerously_allow_http: true',
    ]);
    assert.deepEqual(reject(at('https://user:pw@auth.example/i')), [
      'obex.yaml:12: idp.introspection.endpoint: must not hold a user name or password; delete all up to the "@"',
    ]);
    assert.equal(reject(at('https://auth.example/i#x')).length, 1);
    assert.equal(reject(at('/introspect')).length, 1);
  });

  it('needs an issuer with metadata where the endpoint is not named, even if the keys are', () => {
    const text = (more: string): string =>
      minimalIdp(`  jwks_uri: "https://auth.example/jwks"\n${introspection(more)}`).replace(
        '"https://auth.example/"',
        '"a name"',
      );
    assert.match(reject(text('')).join('\n'), /^obex\.yaml:8: idp\.issuer: expected a URL/);
    accept(text('    endpoint: "https://auth.example/i"\n'));
  });

  it('keeps answers for an hour at most, and asks about opaque tokens or all', () => {
    accept(minimalIdp(introspection('    cache_ttl: 0s\n    tokens: all\n')));
    assert.equal(reject(minimalIdp(introspection('    cache_ttl: 61m\n'))).length, 1);
    assert.equal(reject(minimalIdp(introspection('    tokens: jwt\n'))).length, 1);
  });
});

describe('a token cache that is off', () => {
  it('is warned of, since answers are kept there', () => {
    const off = 'token_cache: { max_entries: 0 }\n';
    const warning =
      'idp.introspection.cache_ttl has no effect: answers are kept in the token cache, which token_cache switches off, so the ' +
      'issuer is asked at each request';
    assert.ok(accept(minimalIdp(introspection() + off)).warnings.includes(warning));
    assert.ok(!accept(minimalIdp(introspection('    cache_ttl: 0s\n') + off)).warnings.includes(warning));
    assert.ok(!accept(minimalIdp(introspection())).warnings.includes(warning));
  });
});

describe('its secret', () => {
  it('can come from a file, for an additional issuer too', () => {
    const files = { '/s': `${SECRET}\n` };
    const own = accept(minimalIdp(introspection('', 'client_secret_file: /s')), { files });
    assert.equal(own.config.idp?.introspection?.client_secret, SECRET);
    const other = accept(additional(introspection('', 'client_secret_file: /s')), { files });
    assert.equal(other.config.idp?.additional_issuers[0]?.introspection?.client_secret, SECRET);
  });

  it('can come from a variable, or the name of its file can', () => {
    const text = minimalIdp(introspection('', '# from OBEX_*'));
    const env = { OBEX_IDP_INTROSPECTION_CLIENT_SECRET: SECRET };
    assert.equal(accept(text, { env }).config.idp?.introspection?.client_secret, SECRET);
    const named = { OBEX_IDP_INTROSPECTION_CLIENT_SECRET_FILE: '/s' };
    const files = { '/s': SECRET };
    assert.equal(accept(text, { env: named, files }).config.idp?.introspection?.client_secret, SECRET);
  });

  it('is refused beside its file, with line and path, in a list too', () => {
    const both = introspection('', `client_secret: ${SECRET}\n    client_secret_file: /s`);
    assert.deepEqual(reject(additional(both)), [
      'obex.yaml:14: idp.additional_issuers[0].introspection.client_secret_file: is given together with ' +
        'idp.additional_issuers[0].introspection.client_secret; delete one of them',
    ]);
    assert.deepEqual(reject(additional(introspection('', 'client_secret_file: /none'))), [
      'obex.yaml:13: idp.additional_issuers[0].introspection.client_secret_file: cannot read "/none": there is no such file',
    ]);
    assert.deepEqual(reject(additional(introspection('', 'client_secret_file: /s')), { files: { '/s': '' } }), [
      'obex.yaml:13: idp.additional_issuers[0].introspection.client_secret_file: is empty; for example "${INTROSPECTION_SECRET}"',
    ]);
  });

  it('is shown to nobody', () => {
    for (const text of [minimalIdp(introspection()), additional(introspection())]) {
      const shown = formatEffectiveConfig(accept(text).config);
      assert.doesNotMatch(shown, /hunter2/);
      assert.match(shown, /client_secret: "?\*\*\*/);
    }
    const wrong = reject(minimalIdp(introspection('', `client_secret: [${SECRET}]`)));
    assert.equal(wrong.length, 1);
    assert.doesNotMatch(wrong.join(), /hunter2/);
  });
});
