/** The way to the IdP, once the person has agreed. OpenID Connect Core §3.1.2.1, RFC 9700 §4.7. */
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import type { FieldLines } from '../wire/exchange.ts';
import { redirect } from './answers.ts';
import { makeRoom } from './cookie-room.ts';
import type { OpenFlow } from './open-flow.ts';
import type { LoginParts } from './parts.ts';
import { PATHS } from './paths.ts';

interface Going extends Pick<OpenFlow, 'flowId' | 'asksForAnother' | 'endsAtMs'> {
  /** Cookies of the flow that are set besides. */
  readonly made?: FieldLines;
}

/** Made after the approval: whoever comes back with this state and its cookie has approved, in this browser. */
export async function goToUpstream(
  parts: LoginParts,
  { fields }: LoginRequest,
  { flowId, asksForAnother, endsAtMs, made = [] }: Going,
): Promise<LoginAnswer> {
  const { url, verifier: begun } = await parts.upstream.begin(callbackUrl(parts), { asksForAnother });
  const verifier = { ...begun, state: parts.states.make(flowId, begun.state) };
  url.searchParams.set('state', verifier.state);
  const cookie = parts.cookies.state.write(flowId, verifier, endsAtMs);
  if (cookie === undefined) throw new RangeError('what the IdP is asked with does not fit into a cookie');
  const all = [...made, ...cookie];
  return redirect(url.href, [...makeRoom(parts.cookies, { flowId, made: all, fields }), ...all]);
}

/** Where the IdP sends people back to. */
export function callbackUrl({ options }: Pick<LoginParts, 'options'>): string {
  return options.issuer + PATHS.callback;
}
