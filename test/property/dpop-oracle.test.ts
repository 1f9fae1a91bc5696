/**
 * Good and mutated proofs, judged by Obex and by an implementation of other people (oauth4webapi's
 * `validateJwtAccessToken`). Wherever the two disagree, a named rule says why. RFC 9449 §4.3.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, mock } from 'node:test';
import { calculateThumbprint, generateKeyPair, generateProof } from 'dpop';
import fc from 'fast-check';
import {
  type AuthorizationServer,
  clockTolerance,
  customFetch,
  jwksCache,
  type ValidateJWTAccessTokenOptions,
  validateJwtAccessToken,
} from 'oauth4webapi';
import { isDenied } from '../../src/oauth/denial.ts';
import { checkDpopProof, hashAccessToken } from '../../src/oauth/dpop-proof.ts';
import { createTargetUri } from '../../src/oauth/target-uri.ts';
import { ProofKeys } from '../../src/state/proof-keys.ts';
import { createProver, PROOF_NOW_MS, type ProofChange } from '../support/dpop.ts';
import { createSigner } from '../support/jws.ts';

const SEED = 20_261_123;
const RESOURCE = 'https://my-tool.example.com/mcp';
const SKEW_S = 10;
const NOW_S = PROOF_NOW_MS / 1000;
/** The oracle's window is 300 s both ways; past ones are the same here. */
const LIFETIME_S = 300 - SKEW_S;
const ALGORITHMS = ['ES256', 'RS256'] as const;

const issuer = await createSigner('ES256');
const provers = { ES256: createProver('ES256'), RS256: createProver('RS256') };
const stranger = createProver('ES256');

function issueToken(jti: string, jkt: string): Promise<string> {
  const claims = {
    iss: 'https://issuer.example',
    aud: RESOURCE,
    sub: 'alice',
    client_id: 'client',
    jti,
    iat: NOW_S,
    exp: NOW_S + 3600,
    cnf: { jkt },
  };
  return issuer.sign(claims, { typ: 'at+jwt' });
}

const tokens = {
  ES256: await issueToken('ES256', provers.ES256.jkt),
  RS256: await issueToken('RS256', provers.RS256.jkt),
};

const server: AuthorizationServer = { issuer: 'https://issuer.example', jwks_uri: 'https://issuer.example/jwks' };
const options: ValidateJWTAccessTokenOptions = {
  requireDPoP: true,
  signingAlgorithms: [...ALGORITHMS],
  [clockTolerance]: SKEW_S,
  [jwksCache]: { jwks: { keys: [{ ...issuer.jwk, alg: 'ES256' }] }, uat: NOW_S },
  [customFetch]: () => Promise.reject(new Error('the key set is at hand')),
};

interface Trial {
  readonly alg: (typeof ALGORITHMS)[number];
  readonly change: ProofChange;
  readonly rawTarget: string;
  readonly method: string;
  /** Changes the text of the finished proof. */
  readonly edit: (proof: string) => string;
}

interface Bound {
  readonly accessToken: string;
  readonly jkt: string;
}

const boundTo = ({ alg }: Trial): Bound => ({ accessToken: tokens[alg], jkt: provers[alg].jkt });

function judgeByObex(trial: Trial, proof: string, { accessToken, jkt } = boundTo(trial)): boolean {
  const proofKeys = new ProofKeys(new Set(ALGORITHMS));
  const expected = {
    method: trial.method,
    targetUri: createTargetUri(new URL(RESOURCE))(trial.rawTarget),
    ath: hashAccessToken(accessToken),
    jkt,
    proofLifetimeMs: LIFETIME_S * 1000,
    clockSkewMs: SKEW_S * 1000,
  };
  const request = { expected, nowMs: PROOF_NOW_MS };
  return !isDenied(checkDpopProof([proof], request, (headerPart, jkt) => proofKeys.import(headerPart, jkt)));
}

async function judgeByOracle(trial: Trial, proof: string, accessToken = tokens[trial.alg]): Promise<boolean> {
  const headers = { Authorization: `DPoP ${accessToken}`, DPoP: proof };
  const request = new Request(new URL(RESOURCE).origin + trial.rawTarget, { method: trial.method, headers });
  return validateJwtAccessToken(server, request, RESOURCE, options).then(
    () => true,
    () => false,
  );
}

function readPart(proof: string, part: 0 | 1): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(Buffer.from(proof.split('.')[part] ?? '', 'base64url').toString());
  } catch {
    return {};
  }
}

const isCanonical = (proof: string): boolean =>
  proof.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);

/** Why the two may disagree about a proof, and a trial in which they do. */
interface Rule {
  readonly why: string;
  readonly applies: (proof: string) => boolean;
  readonly example: Partial<Trial>;
}

const claim = (proof: string, name: string): unknown => readPart(proof, 1)[name];
const htuOf = (proof: string): string => String(claim(proof, 'htu'));
const jwkOf = (proof: string): string => JSON.stringify(readPart(proof, 0)['jwk']);
const withClaims = (claims: ProofChange['claims'] = {}): Partial<Trial> => ({ change: { claims } });
const withHeader = (header: ProofChange['header'] = {}): Partial<Trial> => ({ change: { header } });

/** Why Obex refuses what the oracle accepts. */
const STRICTER: readonly Rule[] = [
  {
    why: '§11.1: a jti has 1 to 256 bytes',
    applies: (proof) => claim(proof, 'jti') === '' || Buffer.byteLength(String(claim(proof, 'jti'))) > 256,
    example: withClaims({ jti: 'a'.repeat(257) }),
  },
  {
    why: '§4.2: typ is dpop+jwt, and not written in another way',
    applies: (proof) => readPart(proof, 0)['typ'] !== 'dpop+jwt',
    example: withHeader({ typ: 'application/dpop+jwt' }),
  },
  {
    why: '§4.3 step 11: iat is not ahead by more than the skew',
    applies: (proof) => Number(claim(proof, 'iat')) > NOW_S + SKEW_S,
    example: withClaims({ iat: NOW_S + SKEW_S + 1 }),
  },
  {
    why: 'RFC 7519 §2: a time beyond those that ECMAScript can name is a mistake',
    applies: (proof) => ['exp', 'nbf'].some((name) => Math.abs(Number(claim(proof, name))) > 8.64e12),
    example: withClaims({ exp: 1e300 }),
  },
  {
    why: 'RFC 7515 §2: base64url has no padding, no other alphabet and no stray bits',
    applies: (proof) => !isCanonical(proof),
    example: { edit: (proof) => `${proof}==` },
  },
  {
    why: 'RFC 3986 §2: a URI holds no characters beyond ASCII, no spaces and no backslashes',
    applies: (proof) => /[^\x21-\x7e]|\\/.test(htuOf(proof)),
    example: withClaims({ htu: 'https://my-tool.example.com\\mcp' }),
  },
  {
    why: 'RFC 9110 §4.2: an http URI has two slashes before its authority',
    applies: (proof) => !/^https?:\/\/[^/]/i.test(htuOf(proof)),
    example: withClaims({ htu: 'https:/my-tool.example.com/mcp' }),
  },
  {
    why: 'RFC 7517 §4.2, §4.3: use and key_ops of the jwk are heeded',
    applies: (proof) => /"(?:use|key_ops)":/.test(jwkOf(proof)),
    example: withHeader({ jwk: { ...provers.ES256.jwk, use: 'enc' } }),
  },
  {
    why: 'RFC 7797 §6: b64 without crit is refused',
    applies: (proof) => 'b64' in readPart(proof, 0),
    example: withHeader({ b64: true }),
  },
];

/** Why Obex accepts what the oracle refuses. */
const MORE_LENIENT: readonly Rule[] = [
  {
    why: 'RFC 3986 §6.2.2.2: a percent-encoded unreserved character is the character; the URL standard keeps it',
    applies: (proof) => /%[2-7][0-9a-f]/i.test(htuOf(proof)),
    example: withClaims({ htu: 'https://my-tool.example.com/%6d%63p' }),
  },
  {
    why: 'RFC 3986 §6.2.2.1: the case of hexadecimal digits does not matter; the URL standard keeps it',
    applies: (proof) => /%(?:[a-f][0-9a-f]|[0-9a-f][a-f])/.test(htuOf(proof)) && !/%[2-7]/.test(htuOf(proof)),
    example: { rawTarget: '/%C3%BC', ...withClaims({ htu: 'https://my-tool.example.com/%c3%bc' }) },
  },
  {
    why: '§4.2: iss and aud mean nothing in a proof',
    applies: (proof) => ['iss', 'aud'].some((name) => name in readPart(proof, 1)),
    example: withClaims({ iss: 1 }),
  },
];

interface Verdicts {
  readonly ours: boolean;
  readonly theirs: boolean;
  /** Rules that explain a disagreement; empty when there is none. */
  readonly rules: readonly string[];
}

/** Undefined for a text that no header field can hold. Fails when the two disagree and no rule says why. */
async function judge(trial: Trial): Promise<Verdicts | undefined> {
  const proof = trial.edit(provers[trial.alg].prove(mergeChange(trial)));
  if (!/^[\x20-\x7e]*$/.test(proof) || proof.trim() !== proof) return undefined;
  const [ours, theirs] = [judgeByObex(trial, proof), await judgeByOracle(trial, proof)];
  if (ours === theirs) return { ours, theirs, rules: [] };
  const rules = (ours ? MORE_LENIENT : STRICTER).filter(({ applies }) => applies(proof)).map(({ why }) => why);
  const parts = JSON.stringify([readPart(proof, 0), readPart(proof, 1), trial.rawTarget]);
  assert.ok(rules.length > 0, `Obex: ${ours}, oauth4webapi: ${theirs}, ${parts}`);
  return { ours, theirs, rules };
}

/** The claims that fit the trial's own request and token, under the change. */
function mergeChange({ alg, change, method, rawTarget }: Trial): ProofChange {
  const fitting = {
    htm: method,
    htu: createTargetUri(new URL(RESOURCE))(rawTarget),
    ath: hashAccessToken(tokens[alg]),
  };
  return { ...change, claims: { ...fitting, ...change.claims } };
}

const good: Trial = { alg: 'ES256', change: {}, rawTarget: '/mcp', method: 'POST', edit: (proof) => proof };

const anyValue = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constant(undefined));
const anyHtu = fc.oneof(
  fc.constantFrom(
    'https://my-tool.example.com:443/mcp',
    'HTTPS://My-Tool.example.com/mcp',
    'https://my-tool.example.com/mcp?q#f',
    'https://my-tool.example.com/a/../mcp',
    'https://my-tool.example.com/%6Dcp',
    'https://my-tool.example.com/mcp/',
    'https://my-tool.example.com',
    'http://my-tool.example.com/mcp',
    'https://user@my-tool.example.com/mcp',
    'https:/my-tool.example.com/mcp',
    'https:\\\\my-tool.example.com\\mcp',
    ' https://my-tool.example.com/mcp',
    'https://my-tool.example.com/m\tcp',
    'https://ｍy-tool.example.com/mcp',
    '/mcp',
  ),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  anyValue,
);
const anyJti = fc.oneof(fc.constantFrom('', 'a', 'a'.repeat(256), 'a'.repeat(257), 'ü'.repeat(129)), anyValue);
const aroundNow = fc
  .constantFrom(-301, -300, -299, -11, -10, 0, 9, 10, 11, 299, 300, 301)
  .map((offset) => NOW_S + offset);
const claimChange = fc.record(
  {
    jti: anyJti,
    htm: fc.oneof(fc.constantFrom('GET', 'post', 'POST '), anyValue),
    htu: anyHtu,
    iat: fc.oneof(aroundNow, anyValue),
    exp: fc.oneof(aroundNow, anyValue),
    nbf: fc.oneof(aroundNow, anyValue),
    ath: fc.oneof(fc.constant(hashAccessToken('other')), anyValue),
    nonce: fc.string(),
    iss: anyValue,
    aud: anyValue,
  },
  { requiredKeys: [] },
);
const { ES256, RS256 } = provers;
const anyJwk = fc.constantFrom<unknown>(
  ES256.privateKey.export({ format: 'jwk' }),
  RS256.privateKey.export({ format: 'jwk' }),
  stranger.jwk,
  RS256.jwk,
  { ...ES256.jwk, kid: 'k', ext: true },
  { ...ES256.jwk, use: 'sig', key_ops: ['verify'], alg: 'ES256' },
  { ...ES256.jwk, use: 'enc' },
  { ...ES256.jwk, key_ops: ['sign'] },
  { ...ES256.jwk, alg: 'ES384' },
  { ...ES256.jwk, x: ES256.jwk['y'] },
  { kty: 'oct', k: 'AAAA' },
  'jwk',
  undefined,
);
const headerChange = fc.record(
  {
    typ: fc.oneof(fc.constantFrom('dpop+jwt', 'DPoP+JWT', 'application/dpop+jwt', 'JWT', 'at+jwt'), anyValue),
    alg: fc.oneof(fc.constantFrom('ES256', 'RS256', 'PS256', 'none', 'HS256', 'ES384'), anyValue),
    jwk: anyJwk,
    kid: fc.string(),
    crit: fc.oneof(fc.constant(['b64']), anyValue),
    b64: fc.boolean(),
  },
  { requiredKeys: [] },
);
/** One member at a time finds more than many: the first fault hides the others. */
const one = (record: fc.Arbitrary<object>): fc.Arbitrary<Readonly<Record<string, unknown>>> =>
  fc
    .tuple(record, fc.nat())
    .map(([all, nth]) => Object.entries(all).filter((_, index, { length }) => index === nth % length))
    .map((entries) => Object.fromEntries<unknown>(entries));
const textEdit = fc
  .tuple(
    fc.nat(),
    fc.constantFrom(...Array.from('AZaz09-_.=+/ ,')),
    fc.constantFrom('replace', 'insert', 'delete', 'append'),
  )
  .map(([position, character, kind]) => (proof: string) => {
    const at = kind === 'append' ? proof.length : position % proof.length;
    return (
      proof.slice(0, at) +
      (kind === 'delete' ? '' : character) +
      proof.slice(kind === 'replace' || kind === 'delete' ? at + 1 : at)
    );
  });

describe('RFC 9449 §4.3: Obex and oauth4webapi judge the same proofs alike, or a rule says why not', () => {
  before(() => mock.timers.enable({ apis: ['Date'], now: PROOF_NOW_MS }));
  after(() => mock.timers.reset());

  const judgeAll = (trials: fc.Arbitrary<Trial>, numRuns: number): Promise<void> =>
    fc.assert(
      fc.asyncProperty(trials, async (trial) => void (await judge(trial))),
      { seed: SEED, numRuns },
    );
  const vary = (part: fc.Arbitrary<Partial<Trial>>): fc.Arbitrary<Trial> =>
    fc.tuple(fc.constantFrom(...ALGORITHMS), part).map(([alg, change]) => ({ ...good, alg, ...change }));

  it('both accept good proofs', async () => {
    for (const alg of ALGORITHMS) {
      for (const rawTarget of ['/mcp', '/', '/mcp?q=1', '/a//b', '/%C3%BC', '/a;b=c/d']) {
        for (const method of ['GET', 'POST', 'DELETE']) {
          const verdicts = await judge({ ...good, alg, rawTarget, method });
          assert.deepEqual(verdicts, { ours: true, theirs: true, rules: [] }, `${alg} ${method} ${rawTarget}`);
        }
      }
    }
  });

  it('both accept the proofs that an independent client (npm dpop) makes', async () => {
    for (const alg of ALGORITHMS) {
      const keys = await generateKeyPair(alg);
      const jkt = await calculateThumbprint(keys.publicKey);
      const accessToken = await issueToken(alg, jkt);
      const proof = await generateProof(keys, RESOURCE, 'POST', 'a-nonce', accessToken);
      const trial: Trial = { ...good, alg };
      assert.equal(judgeByObex(trial, proof, { accessToken, jkt }), true);
      assert.equal(await judgeByOracle(trial, proof, accessToken), true);
    }
  });

  it('changed claims', () => judgeAll(vary(one(claimChange).map((claims) => ({ change: { claims } }))), 1500));
  it('changed headers', () => judgeAll(vary(one(headerChange).map((header) => ({ change: { header } }))), 800));
  it('several changes at once', () =>
    judgeAll(vary(fc.record({ change: fc.record({ claims: claimChange, header: headerChange }) })), 300));
  it('changed text', () => judgeAll(vary(textEdit.map((edit) => ({ edit }))), 800));
  it('another method or target than the proof was made for', () =>
    judgeAll(
      vary(
        fc.tuple(fc.constantFrom('GET', 'POST'), fc.webPath(), anyHtu).map(([method, path, htu]) => ({
          method,
          rawTarget: `/${path}`,
          change: { claims: { htm: 'POST', htu } },
        })),
      ),
      300,
    ));

  for (const { why, example } of STRICTER) {
    it(`Obex refuses, oauth4webapi accepts: ${why}`, async () => {
      assert.deepEqual(await judge({ ...good, ...example }), { ours: false, theirs: true, rules: [why] });
    });
  }

  for (const { why, example } of MORE_LENIENT) {
    it(`Obex accepts, oauth4webapi refuses: ${why}`, async () => {
      assert.deepEqual(await judge({ ...good, ...example }), { ours: true, theirs: false, rules: [why] });
    });
  }
});
