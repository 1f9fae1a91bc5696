/** The end of a flow: the library writes the answer to the client, a code or an error. RFC 6749 §4.1.2. */
import type { InteractionResults } from 'oidc-provider';
import type { LoginAnswer } from '../state/login-channel.ts';
import { page, passOn } from './answers.ts';
import { resumeCookie } from './inject.ts';
import { expiredPage } from './pages/expired-page.ts';
import type { LoginParts } from './parts.ts';
import { PATHS } from './paths.ts';

/** The interaction must be at hand (`carried-interaction.ts`); afterwards the browser has the flow no more. */
export async function finishFlow(
  { provider, inject, cookies, options: { title, logo } }: LoginParts,
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
  return passOn(answer, [...cookies.flow.clear(flowId), ...cookies.state.clear(flowId)]);
}
