/** What holds for every page, and what the pages that end a login say. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { consentPage } from '../../../../src/login/pages/consent-page.ts';
import { expiredPage } from '../../../../src/login/pages/expired-page.ts';
import { invalidRequestPage } from '../../../../src/login/pages/invalid-request-page.ts';
import { notAllowedPage } from '../../../../src/login/pages/not-allowed-page.ts';
import type { Frame } from '../../../../src/login/pages/page.ts';
import { unavailablePage } from '../../../../src/login/pages/unavailable-page.ts';
import { unknownClientPage } from '../../../../src/login/pages/unknown-client-page.ts';
import { upstreamName } from '../../../../src/login/pages/upstream-name.ts';
import { upstreamRefusedPage } from '../../../../src/login/pages/upstream-refused-page.ts';
import { fieldOf, textOf } from './reading.ts';

const HOSTILE = `"><script>alert(1)</script><img src=x onerror='x'>\u202e${'z'.repeat(10_240)}`;

const frame: Frame = { title: 'Acme tools', logo: 'data:image/png;base64,AAAA', reference: 'req-1' };

const every = (frame: Frame, text: string) => ({
  consent: consentPage({
    frame,
    resource: text,
    scopes: [text],
    canBeRemembered: false,
    flow: 'f',
    csrf: 'c',
    client: { name: text, static: false },
    redirectUri: new URL('https://claude.ai/cb'),
    idp: { name: text, authorizationEndpoint: new URL('https://idp.example/a') },
  }),
  notAllowed: notAllowedPage({
    back: undefined,
    frame,
    person: text,
    idpName: 'Okta',
    restart: '/oauth/authorize?a=1&b="2"',
  }),
  upstreamRefused: upstreamRefusedPage({ back: undefined, frame, idpName: 'Okta', error: text, description: text }),
  expired: expiredPage(frame),
  unknownClient: unknownClientPage(frame),
  invalidRequest: invalidRequestPage({ frame, error: text, description: text }),
  unavailable: unavailablePage({ frame, retryAfterSeconds: 30 }),
});

describe('every page', () => {
  for (const [name, page] of Object.entries(every(frame, HOSTILE))) {
    it(`${name} is sent with the fields that keep it to itself`, () => {
      const style = /<style>([\s\S]*)<\/style>/.exec(page.body)?.[1] ?? '';
      const hash = createHash('sha256').update(style).digest('base64');
      const targets = name === 'consent' ? "'self' https: https://idp.example https://claude.ai" : "'none'";
      const expected = {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'referrer-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'content-security-policy':
          `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; form-action ${targets}; ` +
          "frame-ancestors 'none'; base-uri 'none'",
        ...(name === 'unavailable' ? { 'retry-after': '30' } : {}),
      };
      assert.deepEqual(page.fields, Object.entries(expected).flat());
    });

    it(`${name} has no script, no style but its own, and nothing from elsewhere`, () => {
      assert.doesNotMatch(page.body, /<script|<img src=x|<base|<iframe|<object|\sstyle=|\son[a-z]+="|javascript:/i);
      assert.equal(page.body.match(/<style/g)?.length, 1);
      const outside = /(?:src|href)="(?!data:|\/oauth\/)|url\(/;
      assert.doesNotMatch(page.body, outside);
    });

    it(`${name} can be read by machines that read for people`, () => {
      assert.match(page.body, /^<!doctype html>\n<html lang="en">\n/);
      for (const tag of ['title', 'h1', 'main', 'header', 'footer']) {
        assert.equal(page.body.match(new RegExp(`<${tag}[ >]`, 'g'))?.length, 1, tag);
      }
      assert.match(page.body, /<img src="data:image\/png;base64,AAAA" alt="">/);
    });

    it(`${name} shows the reference when there is one`, () => {
      assert.match(textOf(page), /\nReference for the owner of this server: req-1$/);
    });

    it(`${name} does not grow with what strangers send`, () => {
      assert.ok(page.body.length < 12_000, `${page.body.length}`);
      assert.doesNotMatch(page.body, /\u202e/);
    });
  }

  it('shows no reference and no logo when there is none', () => {
    for (const { body } of Object.values(every({ title: '<b>', logo: undefined, reference: undefined }, 'x'))) {
      assert.doesNotMatch(body, /<footer|<img|<b>/);
      assert.match(body, /<title>[^<]+ – &lt;b&gt;<\/title>/);
    }
  });
});

describe('the pages that end a login', () => {
  it('says who is not allowed, whom to ask, and how to come as somebody else', () => {
    const view = { frame, person: 'jane@acme.example', idpName: 'Okta', restart: '/oauth/authorize?a=1&b=2' };
    const page = notAllowedPage({ back: undefined, ...view });
    assert.equal(page.status, 403);
    assert.match(
      textOf(page),
      /You are logged in as “jane@acme\.example” at Okta, and this account has no access here\./,
    );
    assert.match(textOf(page), /Ask the owner of this server for access, or log in with another account\./);
    assert.match(
      page.body,
      /<a class="button primary" href="\/oauth\/authorize\?a=1&amp;b=2">Log in as somebody else<\/a>/,
    );
    const final = notAllowedPage({ back: undefined, ...view, restart: undefined });
    assert.doesNotMatch(final.body, /<a /);
    assert.match(textOf(final), /log out at Okta first, then start again from the application/);
  });

  it("shows the IdP's error as its words, 403 for a decision and 502 for a failure", () => {
    const refused = { frame, idpName: 'Okta', error: 'access_denied', description: 'User is not assigned.' };
    const page = upstreamRefusedPage({ back: undefined, ...refused });
    assert.equal(page.status, 403);
    assert.match(textOf(page), /Okta did not log you in\nIf you cancelled, there is nothing to do\./);
    assert.match(textOf(page), /\nError\naccess_denied\nOkta says\n“User is not assigned\.”\n/);
    const failed = upstreamRefusedPage({ back: undefined, ...refused, error: 'server_error', description: undefined });
    assert.equal(failed.status, 502);
    assert.match(textOf(failed), /Start again from the application in a few minutes\./);
    assert.doesNotMatch(textOf(failed), /says/);
  });

  it('says that a login is over and where to begin anew', () => {
    const page = expiredPage(frame);
    assert.equal(page.status, 400);
    assert.match(
      textOf(page),
      /It took too long, was already used, began in another browser, or was one of too many at once\.\nGo back to the application/,
    );
  });

  it('says for each client how it forgets a registration that is gone', () => {
    const page = unknownClientPage(frame);
    assert.equal(page.status, 400);
    assert.match(textOf(page), /\nClaude Code\n\/mcp, choose this server, then “Clear authentication”\n/);
    assert.match(textOf(page), /\nVS Code\n.*“Authentication: Remove Dynamic Authentication Providers”\n/);
    assert.match(textOf(page), /\nmcp-remote\ndelete the folder ~\/\.mcp-auth, /);
  });

  it('RFC 6749 §4.1.2.1: shows the error of a request that cannot be answered to the client', () => {
    const page = invalidRequestPage({ frame, error: 'invalid_target', description: 'unknown resource' });
    assert.equal(page.status, 400);
    assert.match(textOf(page), /\nError\ninvalid_target\nDescription\nunknown resource\n/);
    const bare = invalidRequestPage({ frame, error: 'invalid_request', description: undefined });
    assert.doesNotMatch(textOf(bare), /Description/);
  });

  it('RFC 9110 §10.2.3: says when to come again', () => {
    const page = unavailablePage({ frame, retryAfterSeconds: 5 });
    assert.equal(page.status, 503);
    assert.equal(fieldOf(page, 'retry-after'), '5');
    assert.match(textOf(page), /Wait a minute, then start again from the application\./);
  });
});

it('calls an IdP by its name, or by its host where nothing is known of it', () => {
  assert.equal(upstreamName({ provider: 'entra', issuer: 'https://login.microsoftonline.com/t/v2.0' }), 'Microsoft');
  assert.equal(
    upstreamName({ provider: 'oidc', issuer: 'https://id.acme.example:8443/realm' }),
    'id.acme.example:8443',
  );
});
