/** What the tests of the upstream have in common: one at a stand-in IdP, and logins there without a browser. */
import assert from 'node:assert/strict';
import type { UpstreamOptions } from '../../../../src/login/options.ts';
import { createUpstream, type UpstreamSurroundings } from '../../../../src/login/upstream/create-upstream.ts';
import {
  type Upstream,
  UpstreamInvalid,
  type UpstreamLogin,
  UpstreamRefused,
  UpstreamUnavailable,
  type Verifier,
} from '../../../../src/login/upstream/upstream.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import type { Cleanup } from '../../../support/obex.ts';
import { CLIENT_ID, CLIENT_SECRET, type StandInIdp, startStandInIdp } from '../../../support/stand-in-idp.ts';

export const REDIRECT_URI = 'http://127.0.0.1:49152/oauth/callback';
export const CODE = 'the-code-that-the-stand-in-gave-out';

export interface Scene {
  readonly idp: StandInIdp;
  readonly upstream: Upstream;
  readonly clock: FakeClock;
}

/** An upstream at a stand-in. */
export async function setUp(
  cleanup: Cleanup,
  options: Partial<UpstreamOptions> = {},
  surroundings: Partial<UpstreamSurroundings> = {},
): Promise<Scene> {
  const idp = await startStandInIdp(cleanup);
  const clock = new FakeClock();
  const whole: UpstreamOptions = {
    provider: 'oidc',
    issuer: idp.issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    privateKey: undefined,
    scopes: ['openid', 'email', 'profile'],
    groupsClaim: 'groups',
    ca: undefined,
    allowHttp: false,
    ...options,
  };
  return { idp, clock, upstream: createUpstream(whole, { clock, random: () => 0, ...surroundings }) };
}

/** What the IdP's redirect brings; undefined removes a parameter. */
export type Redirect = (verifier: Verifier) => Readonly<Record<string, string | undefined>>;

export async function logIn({ idp, upstream }: Scene, redirect: Redirect = () => ({})): Promise<UpstreamLogin> {
  const { verifier } = await upstream.begin(REDIRECT_URI);
  idp.nonce = verifier.nonce;
  const callback = new URL(REDIRECT_URI);
  const parameters = { code: CODE, state: verifier.state, ...redirect(verifier) };
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) callback.searchParams.set(name, value);
  return upstream.finish(callback, verifier);
}

type Judgement = (error: unknown) => boolean;

export function invalid(message: RegExp): Judgement {
  return (error) => {
    assert.ok(error instanceof UpstreamInvalid, String(error));
    assert.match(error.message, message);
    assertHoldsNoSecret(error);
    return true;
  };
}

export function unavailable(message: RegExp): Judgement {
  return (error) => {
    assert.ok(error instanceof UpstreamUnavailable, String(error));
    assert.match(error.message, message);
    assertHoldsNoSecret(error);
    return true;
  };
}

export function refused(code: string, description: string): Judgement {
  return (error) => {
    assert.ok(error instanceof UpstreamRefused, String(error));
    assert.deepEqual({ code: error.code, description: error.description }, { code, description });
    assertHoldsNoSecret(error);
    return true;
  };
}

/** Neither in the message nor in what is reached from the error. */
function assertHoldsNoSecret(error: Error): void {
  const texts: string[] = [];
  for (let next: unknown = error; next instanceof Error; next = next.cause) {
    texts.push(next.message, next.stack ?? '', JSON.stringify(next));
  }
  const secrets = [CODE, CLIENT_SECRET, 'access-token-of-the-stand-in', 'refresh-token-1-of-the-stand-in', 'eyJ'];
  for (const secret of secrets) assert.ok(!texts.join('\n').includes(secret), `${secret} in ${texts.join('\n')}`);
}
