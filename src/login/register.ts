/** The registration endpoint. RFC 7591 §3. */
import type { Log } from '../observe/log.ts';
import { as, json } from './answers.ts';
import { type RegistrationOptions, registerClient } from './clients/registration.ts';
import type { Respond } from './parts.ts';

export function createRegister(terms: RegistrationOptions, log: Log): Respond {
  return async ({ body }) => {
    const answer = registerClient(body, terms);
    if (answer.status === 201) log.info('login_client_registered', { name: answer.body.client_name });
    else {
      const { error, error_description: detail } = answer.body;
      log.info('login_client_refused', { error, detail });
    }
    return as(answer.status === 201 ? 'registered' : 'registration_refused', json(answer.status, answer.body));
  };
}
