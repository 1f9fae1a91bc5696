/** The end of a flow: the library writes the answer to the client, a code or an error. RFC 6749 §4.1.2. */
import type { InteractionResults } from 'oidc-provider';
import type { LoginAnswer } from '../state/login-channel.ts';
import { page, passOn } from './answers.ts';
import { resumeCookie } from './inject.ts';
import { expiredPage } from './pages/expired-page.ts';
import type { LoginParts } from './parts.ts';
import { PATHS } from './provider.ts';

/** A flow ends once: afterwards the library knows it no more. */
export async function finishFlow(
  { provider, inject, cookies, flows, options: { title, logo } }: LoginParts,
  flowId: string,
  result: InteractionResults,
): Promise<LoginAnswer> {
  const interaction = await provider.Interaction.find(flowId);
  if (interaction === undefined) return page(expiredPage({ title, logo, reference: undefined }));
  interaction.result = result;
  await interaction.persist();
  const answer = await inject({
    method: 'GET',
    target: `${PATHS.authorize}/${flowId}`,
    headers: { accept: 'text/html', cookie: resumeCookie(provider, flowId) },
  });
  await flows.remove(flowId);
  return passOn(answer, [...cookies.clear('flow', flowId), ...cookies.clear('state', flowId)]);
}
