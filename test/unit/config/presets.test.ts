/** What presets fill in, what they leave alone, and what is said of an IdP that does not look like that. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findPreset, PRESET_NAMES } from '../../../src/config/presets.ts';
import { accept, minimalIdp, reject } from './loading.ts';

const preset = (name: string, more = ''): string => minimalIdp(`  preset: ${name}\n${more}`);
const audiences = (text: string, list: string): string => text.replace('/mcp"\n', `/mcp"\n  audiences: ${list}\n`);

describe('idp.preset', () => {
  it('is one of the names', () => {
    const names = PRESET_NAMES.map((name) => `"${name}"`).join(', ');
    assert.deepEqual(reject(preset('Keycloak')), [
      `obex.yaml:9: idp.preset: expected one of "", ${names}, got "Keycloak"; write keycloak`,
    ]);
    assert.equal(accept(preset('""')).config.idp?.preset, '');
  });

  it('fills in how claims are read, and says so', () => {
    const { config, filledIn } = accept(preset('entra'));
    assert.deepEqual([config.idp?.scope_claims, config.idp?.audience_claim], [['scp', 'roles'], 'aud']);
    assert.deepEqual(filledIn, [
      'by preset entra: idp.scope_claims: ["scp","roles"]',
      'by preset entra: idp.audience_claim: "aud"',
    ]);
  });

  it('leaves explicit keys alone', () => {
    const { config, filledIn } = accept(preset('entra', '  scope_claims: [scp]\n'));
    assert.deepEqual(config.idp?.scope_claims, ['scp']);
    assert.deepEqual(filledIn, ['by preset entra: idp.audience_claim: "aud"']);
  });

  it('can come from a variable', () => {
    const { config } = accept(minimalIdp(), { env: { OBEX_IDP_PRESET: 'okta' } });
    assert.deepEqual(config.idp?.scope_claims, ['scp']);
  });

  it("of an additional issuer goes before what it would inherit, and is nobody else's", () => {
    const additional = `  additional_issuers:
    - issuer: "https://b.example/"
      preset: okta
    - issuer: "https://c.example/"
`;
    const { config, filledIn } = accept(preset('entra', additional));
    const [okta, other] = config.idp?.additional_issuers ?? [];
    assert.deepEqual([okta?.scope_claims, okta?.audience_claim], [['scp'], 'aud']);
    assert.deepEqual([other?.scope_claims, other?.audience_claim, other?.preset], [['scope', 'scp'], 'aud', '']);
    assert.deepEqual(filledIn.slice(2), [
      'by preset okta: idp.additional_issuers[0].scope_claims: ["scp"]',
      'by preset okta: idp.additional_issuers[0].audience_claim: "aud"',
    ]);
  });

  it('takes the project for the roles of Zitadel from the audiences of the issuer', () => {
    const claimOf = (id: string): string => `urn:zitadel:iam:org:project:${id}:roles`;
    const additional =
      '  additional_issuers:\n    - { issuer: "https://b.example", preset: zitadel, audiences: ["2", "3"] }\n';
    const { config } = accept(audiences(preset('zitadel', additional), '["1"]'));
    assert.deepEqual(config.idp?.scope_claims, ['scope', claimOf('1')]);
    assert.deepEqual(config.idp?.additional_issuers[0]?.scope_claims, ['scope', claimOf('2'), claimOf('3')]);
    assert.deepEqual(accept(preset('zitadel')).config.idp?.scope_claims, ['scope']);
  });

  it('is where a mistake in what it has filled in is reported', () => {
    assert.deepEqual(reject(preset('cognito')), [
      'obex.yaml:9: idp.preset: client_id: the ids of the clients that may use this resource are not named; list them in ' +
        'resource.audiences',
    ]);
  });

  for (const name of PRESET_NAMES) {
    it(`${name} fills in how claims are read and nothing that lets more in`, () => {
      const keys = Object.keys(findPreset(name)?.fills ?? {});
      assert.deepEqual(keys.toSorted(), ['audience_claim', 'scope_claims']);
    });
  }
});

describe('warnings of a preset', () => {
  const warningsOf = (text: string): readonly string[] =>
    accept(text).warnings.filter((line) => line.startsWith('idp.'));
  const form = (name: string, example: string): string =>
    `idp.issuer "https://auth.example/x" does not look like an issuer of ${name}, ${example}: copy iss from one of its tokens`;

  const looks: Readonly<Record<string, readonly [example: string, right: readonly string[]]>> = {
    keycloak: ['https://HOST/realms/REALM', ['https://a.example/realms/x', 'https://a.example/auth/realms/x']],
    auth0: ['https://TENANT.REGION.auth0.com/', ['https://x.eu.auth0.com/', 'https://login.example/']],
    okta: ['https://ORG.okta.com/oauth2/SERVER', ['https://x.okta.com/oauth2/default']],
    entra: [
      'https://login.microsoftonline.com/TENANT-ID/v2.0',
      [
        'https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0',
        'https://login.microsoftonline.us/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0',
        'https://sts.windows.net/aaaabbbb-0000-cccc-1111-dddd2222eeee/',
      ],
    ],
    cognito: [
      'https://cognito-idp.REGION.amazonaws.com/POOL-ID',
      ['https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE'],
    ],
    authentik: ['https://HOST/application/o/SLUG/', ['https://a.example/application/o/x/', 'https://a.example/']],
    zitadel: ['https://INSTANCE.zitadel.cloud', ['https://x.zitadel.cloud', 'https://a.example']],
  };
  for (const [name, [example, right]] of Object.entries(looks)) {
    const config = (issuer: string): string =>
      audiences(preset(name).replace('https://auth.example/', issuer), '["https://tool.example/mcp"]');
    it(`${name}: an issuer of another form`, () => {
      assert.ok(warningsOf(config('https://auth.example/x')).includes(form(name, example)));
      assert.ok(
        !warningsOf(config('https://auth.example/x').replace(`preset: ${name}\n`, '\n')).some((line) =>
          line.includes('look'),
        ),
      );
    });
    it(`${name}: none of an issuer of its form`, () => {
      for (const issuer of right) assert.ok(!warningsOf(config(issuer)).some((line) => line.includes('look')), issuer);
    });
  }
  it('entra: common is no tenant', () => {
    const text = preset('entra').replace('https://auth.example/', 'https://login.microsoftonline.com/common/v2.0');
    assert.ok(warningsOf(text).some((line) => line.includes('does not look like')));
  });

  for (const [name, what] of [
    ['entra', 'the client id of the API (version 1: or its Application ID URI)'],
    ['authentik', 'the client id of the provider'],
    ['zitadel', 'the id of the project'],
    ['dex', 'the id of the client'],
  ] as const) {
    it(`${name}: no audience is named, and aud is never resource.url`, () => {
      const warning =
        `idp.preset ${name}: aud of its tokens is ${what}, never resource.url, so all are refused (audience_mismatch). Name it in ` +
        'resource.audiences';
      assert.ok(warningsOf(preset(name)).includes(warning));
      assert.ok(!warningsOf(audiences(preset(name), '["x:y"]')).includes(warning));
    });
  }

  it('dex: its access tokens are made like ID tokens', () => {
    const warning =
      'idp.preset dex: its access tokens are made like ID tokens, so all are refused (id_token) without ' +
      'idp.dangerously_accept_id_tokens: true, with which whoever gets hold of an ID token for an accepted audience is let in';
    assert.ok(warningsOf(preset('dex')).includes(warning));
    assert.ok(!warningsOf(preset('dex', '  dangerously_accept_id_tokens: true\n')).includes(warning));
  });
});
