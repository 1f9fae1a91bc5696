/** What all pages of one configuration have in common. */
import type { LoginRequest } from '../state/login-channel.ts';
import type { Frame } from './pages/page.ts';
import type { LoginParts } from './parts.ts';

export function frameOf(
  { options: { title, logo } }: Pick<LoginParts, 'options'>,
  { requestId }: Pick<LoginRequest, 'requestId'>,
): Frame {
  return { title, logo, reference: requestId };
}
