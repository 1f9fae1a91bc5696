/** Tokens that are bound to the client's certificate, over real TLS. RFC 8705 §3, RFC 9440, RFC 8446 §4.6.1. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createCertificate } from '../support/certificate.ts';
import {
  type ClientIdentity,
  createIdentity,
  createIssuedIdentity,
  exchangeOnce,
  openAs,
  PROTOCOLS,
  toOptions,
} from '../support/client-certificate.ts';
import { createProver } from '../support/dpop.ts';
import { bearer, bodyOf, type ConfigParts, formatRequest, type RequestText, sendOn } from '../support/obex.ts';
import { startPhase3 } from '../support/phase-3.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { assertRefusal } from '../support/refusal.ts';
import { type Phase2Stack, startPhase1, startPhase2 } from '../support/stack.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { asSent } from '../support/transport.ts';

const ALICE = createIdentity('alice');
const MALLORY = createIdentity('mallory');
const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';

type Sections = NonNullable<ConfigParts['sections']>;

/** Lines of the section `obex` for a listener that asks for certificates; `more` are those of `obex.tls`. */
function createListener(context: TestContext, more: Readonly<Record<string, string>> = { client_auth: 'request' }) {
  const folder = createTempFolder('client-certificates');
  context.after(() => folder.remove());
  const files = { cert_file: join(folder.path, 'crt'), key_file: join(folder.path, 'key') };
  const { cert, key } = createCertificate('server');
  writeFileSync(files.cert_file, cert);
  writeFileSync(files.key_file, key);
  const authorities = join(folder.path, 'ca');
  const format = (lines: Readonly<Record<string, string>>): Sections => ({
    obex: `tls: ${JSON.stringify({ enabled: true, ...files, ...lines })}`,
  });
  return { authorities, format, sections: format(more) };
}

function boundTo({ thumbprint }: ClientIdentity, more: Readonly<Record<string, string>> = {}) {
  return { claims: { cnf: { 'x5t#S256': thumbprint, ...more } } };
}

/** One request on a connection of its own, or on several one after the other with the same answer. */
async function sendAs(
  { obex }: Pick<Phase2Stack, 'obex'>,
  identity: ClientIdentity | undefined,
  request: RequestText & { readonly protocol?: (typeof PROTOCOLS)[number] } = {},
): Promise<RawResponse> {
  const { protocol = 'http/1.1', lines = [], ...rest } = request;
  const client = await openAs(obex.port, identity, protocol);
  const sent = lines.map((line) => (protocol === 'h2' ? line.replace(/^[^:]+/, (name) => name.toLowerCase()) : line));
  const response = await sendOn(client, { ...rest, lines: sent });
  client.destroy();
  return response;
}

async function refusedWith(stack: Phase2Stack, response: RawResponse, detail: string): Promise<void> {
  assertRefusal(response, 'token_not_bound', {});
  const [requestId] = response.values('x-obex-request-id');
  const event = await stack.obex.event('request', ({ request_id: id }) => id === requestId);
  assert.equal(event['detail'], detail);
}

describe('RFC 8705 §3: "the protected resource MUST obtain … the client certificate used for mutual TLS"', () => {
  for (const protocol of PROTOCOLS) {
    it(`lets the owner in over ${protocol}, and tells the backend; nobody else, whether the token is known or not`, async (context) => {
      const stack = await startPhase2(context, createListener(context));
      const [unknown, known] = await Promise.all([1, 2].map(() => stack.issuer.token(boundTo(ALICE))));
      assert.ok(unknown !== undefined && known !== undefined);
      // Twice: verified, and out of the cache.
      for (let time = 1; time <= 2; time += 1) {
        assert.equal((await sendAs(stack, ALICE, { protocol, lines: [bearer(known)] })).status, 200);
      }
      assert.deepEqual(
        stack.backend.requests.map((request) => request.values('x-obex-cert-bound')),
        [['true'], ['true']],
      );
      assert.deepEqual(stack.backend.requests[0]?.values('x-obex-dpop-bound'), []);
      for (const token of [known, unknown]) {
        const other = await sendAs(stack, MALLORY, { protocol, lines: [bearer(token)] });
        await refusedWith(stack, other, 'the token is bound to another certificate');
        const none = await sendAs(stack, undefined, { protocol, lines: [bearer(token)] });
        await refusedWith(stack, none, 'the token is bound to a certificate: the client sent no certificate');
      }
      assert.equal(stack.backend.requests.length, 2);
    });

    it(`judges each request over ${protocol} by the token that it brings, on one connection`, async (context) => {
      const stack = await startPhase2(context, createListener(context));
      const [own, others, plain] = await Promise.all([
        stack.issuer.token(boundTo(ALICE)),
        stack.issuer.token(boundTo(MALLORY)),
        stack.issuer.token(),
      ]);
      const client = await openAs(stack.obex.port, ALICE, protocol);
      for (const token of [own, others, plain, own]) {
        const name = protocol === 'h2' ? 'authorization' : 'Authorization';
        const { status } = await sendOn(client, { lines: [`${name}: Bearer ${token}`] });
        assert.equal(status, token === others ? 401 : 200);
      }
      client.destroy();
      assert.equal(stack.backend.requests.length, 3);
    });
  }

  it('charges who holds a stolen token to the address, never to its owner', async (context) => {
    const { sections } = createListener(context);
    const limits = 'rate_limit: { requests_per_second: 0.001, burst: 2 }';
    const stack = await startPhase2(context, { sections: { ...sections, limits } });
    const token = await stack.issuer.token(boundTo(ALICE));
    assert.equal((await sendAs(stack, ALICE, { lines: [bearer(token)] })).status, 200);
    const reasons: unknown[] = [];
    for (let time = 1; time <= 3; time += 1) {
      reasons.push(bodyOf(await sendAs(stack, MALLORY, { lines: [bearer(token)] }))['reason']);
    }
    assert.deepEqual(reasons, ['token_not_bound', 'token_not_bound', 'rate_limited']);
    assert.equal((await sendAs(stack, ALICE, { lines: [bearer(token)] })).status, 200);
  });

  it('a client cannot say that its token is bound', async (context) => {
    const stack = await startPhase2(context, createListener(context));
    const forged = ['X-Obex-Cert-Bound: true', 'X_Obex_Cert_Bound: true'];
    const lines = [bearer(await stack.issuer.token()), ...forged];
    assert.equal((await sendAs(stack, ALICE, { lines })).status, 200);
    assert.doesNotMatch(stack.backend.received(), /cert.bound/i);
  });

  it('is refused where no certificate can come, as any binding that cannot be verified', async (context) => {
    const stack = await startPhase2(context);
    const { field } = ALICE;
    for (const lines of [[], [asSent(`Client-Cert: ${field}`)]]) {
      const token = await stack.issuer.token(boundTo(ALICE));
      const response = await stack.obex.send({ lines: [asSent(bearer(token)), ...lines] });
      await refusedWith(stack, response, 'the token is bound to a certificate: the connection was not asked for one');
    }
    assert.equal(stack.backend.received(), '');
  });
});

describe('RFC 7800 §3.1: a token that is bound to a certificate and to a DPoP key', () => {
  async function start(context: TestContext) {
    const stack = await startPhase3(context, createListener(context));
    const token = await stack.boundToken({ claims: { cnf: { jkt: stack.client.jkt, 'x5t#S256': ALICE.thumbprint } } });
    return { stack, token };
  }

  it('passes with both, new or known, and the backend learns of both', async (context) => {
    const { stack, token } = await start(context);
    for (let time = 1; time <= 2; time += 1) {
      assert.equal((await sendAs(stack, ALICE, await stack.request({ token }))).status, 200);
      const told = stack.backend.requests.at(-1);
      assert.deepEqual([told?.values('x-obex-cert-bound'), told?.values('x-obex-dpop-bound')], [['true'], ['true']]);
    }
  });

  it('is refused when either is missing or another’s, and no proof is used up', async (context) => {
    const { stack, token } = await start(context);
    const thief = createProver();
    const reasonOf = async (identity: ClientIdentity | undefined, proofs: readonly string[]): Promise<unknown> =>
      bodyOf(await sendAs(stack, identity, await stack.request({ token, proofs, scheme: 'DPoP' })))['reason'];
    const proof = stack.prove(token);
    assert.equal(await reasonOf(MALLORY, [proof]), 'token_not_bound');
    assert.equal(await reasonOf(undefined, [proof]), 'token_not_bound');
    assert.equal(await reasonOf(ALICE, [stack.prove(token, {}, thief)]), 'invalid_dpop');
    assert.equal(await reasonOf(ALICE, []), 'missing_dpop');
    assert.equal(stack.backend.received(), '');
    assert.equal((await sendAs(stack, ALICE, await stack.request({ token, proofs: [proof] }))).status, 200);
  });

  it('a token that is bound to a certificate alone needs no proof in phase 3', async (context) => {
    const { stack } = await start(context);
    const token = await stack.issuer.token(boundTo(ALICE));
    assert.equal((await sendAs(stack, ALICE, { lines: [bearer(token)] })).status, 200);
    assertRefusalReason(await sendAs(stack, MALLORY, { lines: [bearer(token)] }), 'token_not_bound');
  });

  it('both are refused in phase 2, certificate or not', async (context) => {
    const stack = await startPhase2(context, createListener(context));
    const token = await stack.issuer.token(boundTo(ALICE, { jkt: createProver().jkt }));
    await refusedWith(stack, await sendAs(stack, ALICE, { lines: [bearer(token)] }), 'the token is bound to a key');
    assert.equal(stack.backend.received(), '');
  });
});

function assertRefusalReason(response: RawResponse, reason: string): void {
  assert.deepEqual([response.status, bodyOf(response)['reason']], [reason === 'token_not_bound' ? 401 : 403, reason]);
}

describe('RFC 8446 §4.6.1: a resumed session', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const only = { minVersion: version, maxVersion: version } as const;

    it(`${version}: has the certificate of the handshake that it goes back to, whatever the client shows now`, async (context) => {
      const stack = await startPhase2(context, createListener(context));
      const token = await stack.issuer.token(boundTo(ALICE));
      const request = formatRequest({ lines: [bearer(token), 'Connection: close'] });
      const first = await exchangeOnce(stack.obex.port, { ...toOptions(ALICE), ...only }, request);
      assert.match(first.answer, /^HTTP\/1.1 200 /);
      const { session } = first;
      for (const identity of [ALICE, MALLORY, undefined]) {
        const resumed = await exchangeOnce(stack.obex.port, { ...toOptions(identity), ...only, session }, request);
        assert.deepEqual([resumed.reused, resumed.answer.slice(9, 12)], [true, '200']);
      }
    });

    it(`${version}: of another's handshake, or of one without a certificate, has not`, async (context) => {
      const stack = await startPhase2(context, createListener(context));
      const token = await stack.issuer.token(boundTo(ALICE));
      const request = formatRequest({ lines: [bearer(token), 'Connection: close'] });
      for (const identity of [MALLORY, undefined]) {
        const { session } = await exchangeOnce(stack.obex.port, { ...toOptions(identity), ...only }, request);
        const resumed = await exchangeOnce(stack.obex.port, { ...toOptions(ALICE), ...only, session }, request);
        assert.deepEqual([resumed.reused, resumed.answer.slice(9, 12)], [true, '401']);
      }
      assert.equal(stack.backend.received(), '');
    });

    it(`${version}: there is none where authorities vouch, whose word it would outlive`, async (context) => {
      const issued = createIssuedIdentity();
      const { authorities, format } = createListener(context);
      writeFileSync(authorities, issued.ca);
      const sections = format({ client_auth: 'request', client_ca_file: authorities });
      const stack = await startPhase2(context, { sections });
      const token = await stack.issuer.token(boundTo(issued));
      const request = formatRequest({ lines: [bearer(token), 'Connection: close'] });
      const { session, answer } = await exchangeOnce(stack.obex.port, { ...toOptions(issued), ...only }, request);
      assert.match(answer, /^HTTP\/1.1 200 /);
      const resumed = await exchangeOnce(stack.obex.port, { ...toOptions(undefined), ...only, session }, request);
      assert.deepEqual([resumed.reused, resumed.answer.slice(9, 12)], [false, '401']);
    });
  }
});

describe('RFC 8446 §4.6.1: a session from before a reload', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`${version}: does not carry its certificate past the authorities that the reload brings`, async (context) => {
      const only = { minVersion: version, maxVersion: version } as const;
      const { authorities, format, sections } = createListener(context);
      const stack = await startPhase2(context, { sections });
      const token = await stack.issuer.token(boundTo(ALICE));
      const request = formatRequest({ lines: [bearer(token), 'Connection: close'] });
      const { session, answer } = await exchangeOnce(stack.obex.port, { ...toOptions(ALICE), ...only }, request);
      assert.match(answer, /^HTTP\/1.1 200 /);
      writeFileSync(authorities, createIssuedIdentity().ca);
      await stack.obex.reload(stack.config(format({ client_auth: 'request', client_ca_file: authorities })));
      const resumed = await exchangeOnce(stack.obex.port, { ...toOptions(ALICE), ...only, session }, request);
      assert.deepEqual([resumed.reused, resumed.answer.slice(9, 12)], [false, '401']);
    });
  }
});

describe('obex.tls.client_ca_file', () => {
  async function start(context: TestContext, auth: 'request' | 'require' = 'request') {
    const issued = createIssuedIdentity();
    const { authorities, format } = createListener(context);
    writeFileSync(authorities, issued.ca);
    const sections = format({ client_auth: auth, client_ca_file: authorities });
    return { stack: await startPhase2(context, { sections }), issued, authorities, sections };
  }

  it('counts a certificate that chains to it, and no other, whoever it names', async (context) => {
    const { stack, issued } = await start(context);
    const lookalike = createIssuedIdentity();
    assert.equal(
      (await sendAs(stack, issued, { lines: [bearer(await stack.issuer.token(boundTo(issued)))] })).status,
      200,
    );
    for (const [identity, why] of [
      [ALICE, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      [lookalike, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
    ] as const) {
      const response = await sendAs(stack, identity, { lines: [bearer(await stack.issuer.token(boundTo(identity)))] });
      const detail = `the token is bound to a certificate: the client's certificate is not trusted: ${why}`;
      await refusedWith(stack, response, detail);
    }
    assert.equal(stack.backend.requests.length, 1);
  });

  it('is read again at a reload, for connections to come', async (context) => {
    const { stack, issued, authorities, sections } = await start(context);
    const token = await stack.issuer.token(boundTo(issued));
    const before = await openAs(stack.obex.port, issued);
    assert.equal((await sendOn(before, { lines: [bearer(token)] })).status, 200);
    writeFileSync(authorities, createIssuedIdentity().ca);
    await stack.obex.reload(stack.config(sections));
    assertRefusalReason(await sendAs(stack, issued, { lines: [bearer(token)] }), 'token_not_bound');
    assert.equal((await sendOn(before, { lines: [bearer(token)] })).status, 200);
    before.destroy();
  });

  it('that holds no certificate refuses the reload, and the one before goes on', async (context) => {
    const { stack, issued, authorities, sections } = await start(context);
    writeFileSync(authorities, 'nothing');
    await assert.rejects(stack.obex.reload(stack.config(sections)), {
      message: `obex.tls.client_ca_file: ${authorities} holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")`,
    });
    const token = await stack.issuer.token(boundTo(issued));
    assert.equal((await sendAs(stack, issued, { lines: [bearer(token)] })).status, 200);
  });

  it('that holds an authority without its issuer keeps Obex from starting: nobody would be trusted', async (context) => {
    const issued = createIssuedIdentity();
    const { authorities, format } = createListener(context);
    writeFileSync(authorities, issued.cert.slice(issued.cert.indexOf('-----BEGIN', 10)));
    const sections = format({ client_auth: 'request', client_ca_file: authorities });
    await assert.rejects(startPhase1(context, { sections }), {
      message: `obex.tls.client_ca_file: ${authorities} holds certificate number 1 without that of its issuer; add it, up to the root`,
    });
  });
});

describe('obex.tls.client_auth', () => {
  it('cannot be changed by a reload', async (context) => {
    const { format, sections } = createListener(context);
    const stack = await startPhase2(context, { sections });
    for (const client_auth of ['off', 'require']) {
      await assert.rejects(stack.obex.reload(stack.config(format({ client_auth }))), {
        message: 'a reload cannot change obex.tls.client_auth; restart Obex to change it',
      });
    }
  });

  it('require: 403 client_certificate_required, known token or not; who has one is in', async (context) => {
    const stack = await startPhase2(context, createListener(context, { client_auth: 'require' }));
    const token = await stack.issuer.token();
    assert.equal((await sendAs(stack, ALICE, { lines: [bearer(token)] })).status, 200);
    for (const lines of [[bearer(token)], [bearer(await stack.issuer.token())], []]) {
      assertRefusal(await sendAs(stack, undefined, { lines }), 'client_certificate_required');
    }
    assert.equal(stack.backend.requests.length, 1);
  });

  it('require: probes and metadata are for everybody, who may have no certificate yet', async (context) => {
    const stack = await startPhase2(context, createListener(context, { client_auth: 'require' }));
    for (const target of ['/health', '/ready', METADATA_PATH]) {
      assert.equal((await sendAs(stack, undefined, { target })).status, 200, target);
    }
  });

  it('require: a certificate in Client-Cert is no certificate of the connection', async (context) => {
    const { sections } = createListener(context, { client_auth: 'require' });
    const obex = `${sections.obex}\ntrusted_proxies: ["127.0.0.1"]\nclient_cert_header: true`;
    const stack = await startPhase2(context, { sections: { obex } });
    const lines = [bearer(await stack.issuer.token(boundTo(ALICE))), `Client-Cert: ${ALICE.field}`];
    assertRefusal(await sendAs(stack, undefined, { lines }), 'client_certificate_required');
    // Here MALLORY is the proxy.
    assert.equal((await sendAs(stack, MALLORY, { lines })).status, 200);
  });
});

describe('RFC 9728 §2: tls_client_certificate_bound_access_tokens', () => {
  const isToldBy = async (stack: Pick<Phase2Stack, 'obex'>, withTls: boolean): Promise<unknown> => {
    const response = withTls
      ? await sendAs(stack, undefined, { target: METADATA_PATH })
      : await stack.obex.send({ target: METADATA_PATH });
    return bodyOf(response)['tls_client_certificate_bound_access_tokens'];
  };

  it('is true where a certificate can come, of the connection or of a proxy, and a token is verified', async (context) => {
    assert.equal(await isToldBy(await startPhase2(context, createListener(context)), true), true);
    const obex = 'trusted_proxies: ["127.0.0.1"]\nclient_cert_header: true';
    assert.equal(await isToldBy(await startPhase2(context, { sections: { obex } }), false), true);
    assert.equal(await isToldBy(await startPhase1(context, createListener(context)), true), undefined);
    assert.equal(await isToldBy(await startPhase2(context), false), undefined);
  });
});

describe('RFC 9440 §2.2: Client-Cert', () => {
  async function start(context: TestContext, proxy = '127.0.0.1') {
    const obex = `trusted_proxies: ["${proxy}"]\nclient_cert_header: true`;
    const stack = await startPhase2(context, { sections: { obex } });
    const send = async (fields: readonly string[], identity = ALICE): Promise<RawResponse> => {
      const token = await stack.issuer.token(boundTo(identity));
      return stack.obex.send({ lines: [bearer(token), ...fields].map(asSent) });
    };
    return { stack, send };
  }

  it('of a trusted proxy is believed, and goes no further', async (context) => {
    const { stack, send } = await start(context);
    assert.equal((await send([`Client-Cert: ${ALICE.field}`, 'Client-Cert-Chain: :MIIB:'])).status, 200);
    assert.doesNotMatch(stack.backend.received(), /client.cert/i);
    assert.deepEqual(stack.backend.requests[0]?.values('x-obex-cert-bound'), ['true']);
    await refusedWith(
      stack,
      await send([`Client-Cert: ${MALLORY.field}`]),
      'the token is bound to another certificate',
    );
  });

  it('§4: of anybody else is "sanitized", and not believed', async (context) => {
    const { stack, send } = await start(context, '192.0.2.1');
    await refusedWith(
      stack,
      await send([`Client-Cert: ${ALICE.field}`]),
      'the token is bound to a certificate: the connection was not asked for one',
    );
    const lines = [
      bearer(await stack.issuer.token()),
      `Client-Cert: ${ALICE.field}`,
      'Client_Cert: :MIIB:',
      'Client-Cert-X: y',
    ];
    assert.equal((await stack.obex.send({ lines: lines.map(asSent) })).status, 200);
    assert.doesNotMatch(stack.backend.received(), /client.cert/i);
  });

  it('X-Forwarded-For makes nobody a trusted proxy, nor a trusted proxy a stranger', async (context) => {
    const far = await start(context, '192.0.2.1');
    const forged = [`Client-Cert: ${ALICE.field}`, 'X-Forwarded-For: 192.0.2.1'];
    assertRefusalReason(await far.send(forged), 'token_not_bound');
    const near = await start(context);
    assert.equal((await near.send([`Client-Cert: ${ALICE.field}`, 'X-Forwarded-For: 198.51.100.7'])).status, 200);
  });

  const { field } = ALICE;
  const malformed = 'the Client-Cert of the proxy in front is not one byte sequence (RFC 9440 §2.2)';
  const others: readonly (readonly [string, readonly string[], string])[] = [
    ['none', [], 'the proxy in front sent no Client-Cert'],
    ['under another name', [`X-Client-Cert: ${field}`], 'the proxy in front sent no Client-Cert'],
    [
      'under a name that some servers read as this one',
      [`Client_Cert: ${field}`],
      'the proxy in front sent no Client-Cert',
    ],
    [
      'twice: what a client sent, and the proxy added to',
      [`Client-Cert: ${field}`, `Client-Cert: ${field}`],
      malformed,
    ],
    ['as a list', [`Client-Cert: ${field}, ${field}`], malformed],
    ['empty, as of a template', ['Client-Cert: ::'], malformed],
    ['without colons', [`Client-Cert: ${field.slice(1, -1)}`], malformed],
    ['with a parameter', [`Client-Cert: ${field};q=1`], malformed],
    ['in base64url', [`Client-Cert: ${field.replaceAll('+', '-').replaceAll('/', '_')}-`], malformed],
  ];
  for (const [name, fields, why] of others) {
    it(`is no certificate: ${name}`, async (context) => {
      const { stack, send } = await start(context);
      await refusedWith(stack, await send(fields), `the token is bound to a certificate: ${why}`);
      assert.equal(stack.backend.received(), '');
    });
  }

  it('an empty one is not bound to by the hash of nothing', async (context) => {
    const { send } = await start(context);
    const thumbprint = createHash('sha256').digest('base64url');
    assertRefusalReason(await send(['Client-Cert: ::'], { ...ALICE, thumbprint }), 'token_not_bound');
  });

  it('is looked at where a token is bound, and in the way of no other', async (context) => {
    const { stack } = await start(context);
    const lines = [bearer(await stack.issuer.token()), 'Client-Cert: nonsense'];
    assert.equal((await stack.obex.send({ lines: lines.map(asSent) })).status, 200);
  });

  it('a trusted proxy that says nothing is not taken for its client, whatever certificate it has itself', async (context) => {
    const { sections } = createListener(context);
    const obex = `${sections.obex}\ntrusted_proxies: ["127.0.0.1"]\nclient_cert_header: true`;
    const stack = await startPhase2(context, { sections: { obex } });
    const response = await sendAs(stack, ALICE, { lines: [bearer(await stack.issuer.token(boundTo(ALICE)))] });
    const why = 'the token is bound to a certificate: the proxy in front sent no Client-Cert';
    await refusedWith(stack, response, why);
  });

  it('who is no proxy is known by its own certificate beside it', async (context) => {
    const { sections } = createListener(context);
    const obex = `${sections.obex}\ntrusted_proxies: ["192.0.2.1"]\nclient_cert_header: true`;
    const stack = await startPhase2(context, { sections: { obex } });
    const lines = [bearer(await stack.issuer.token(boundTo(ALICE)))];
    assert.equal((await sendAs(stack, ALICE, { lines: [...lines, `Client-Cert: ${MALLORY.field}`] })).status, 200);
    assertRefusalReason(
      await sendAs(stack, MALLORY, { lines: [...lines, `Client-Cert: ${field}`] }),
      'token_not_bound',
    );
  });
});
