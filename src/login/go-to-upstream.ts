/** The way to the IdP, once the person has agreed. OpenID Connect Core §3.1.2.1, RFC 9700 §4.7. */
import type { LoginAnswer } from '../state/login-channel.ts';
import type { FieldLines } from '../wire/exchange.ts';
import { redirect } from './answers.ts';
import type { OpenFlow } from './open-flow.ts';
import type { LoginParts } from './parts.ts';
import { PATHS } from './paths.ts';

/** Made after the approval: whoever comes back with this state and its cookie has approved, in this browser. `more`: other fields. */
export async function goToUpstream(
  parts: LoginParts,
  { flowId, asksForAnother, endsAtMs }: Pick<OpenFlow, 'flowId' | 'asksForAnother' | 'endsAtMs'>,
  more: FieldLines = [],
): Promise<LoginAnswer> {
  const { url, verifier: made } = await parts.upstream.begin(callbackUrl(parts), { asksForAnother });
  const verifier = { ...made, state: parts.states.make(flowId, made.state) };
  url.searchParams.set('state', verifier.state);
  const cookie = parts.cookies.state.write(flowId, verifier, endsAtMs);
  if (cookie === undefined) throw new RangeError('what the IdP is asked with does not fit into a cookie');
  return redirect(url.href, [...cookie, ...more]);
}

/** Where the IdP sends people back to. */
export function callbackUrl({ options }: Pick<LoginParts, 'options'>): string {
  return options.issuer + PATHS.callback;
}
