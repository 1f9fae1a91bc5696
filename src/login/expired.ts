/** The answer to whoever comes with a login that is over, or never was. RFC 9700 §4.7. */
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import { as, page } from './answers.ts';
import { frameOf } from './frame.ts';
import { expiredPage } from './pages/expired-page.ts';
import type { LoginParts } from './parts.ts';

export function expired(parts: Pick<LoginParts, 'options'>, request: Pick<LoginRequest, 'requestId'>): LoginAnswer {
  return as('expired', page(expiredPage(frameOf(parts, request))));
}
