/** What a listener of the engine calls: requests, refusals of what never became one, and what goes wrong beside them. */
import { randomUUID } from 'node:crypto';
import { deny } from '../oauth/denial.ts';
import type { Observers } from '../observe/observers.ts';
import type { ServerHandlers } from '../wire/exchange.ts';
import { rateLimitKey } from './client-address.ts';
import { createHandle } from './handle.ts';
import { formatWireRefusal } from './respond.ts';
import type { Service } from './service.ts';

/** `current` is asked for each request. */
export function createHandlers(current: () => Service, observers: Observers): ServerHandlers {
  const { metrics, log, engine } = observers;
  return {
    onBug: (error) => engine.onBug(error),
    onAcceptFailure: (failure, code) => engine.onAcceptFailure(failure, code),
    onCalmed: (why, peerAddress) => log.info('connection_calmed', { client: peerAddress, reason: why }),
    onHandshakeFailure: (failure, code) => engine.onHandshakeFailure(failure, code),
    onExchange: createHandle(current, observers),
    onRefused: (refusal, detail, peerAddress) => {
      const requestId = randomUUID();
      const denial = deny(refusal, { detail });
      const answer = formatWireRefusal(denial, requestId);
      metrics.responded(answer.head.status, 0);
      metrics.denied(refusal);
      // Refused all the same; but whoever goes on like this has less left for requests that are well formed.
      const { chargeClient, accessLog } = current();
      const limited = chargeClient(rateLimitKey(peerAddress));
      // A line for each connection would let whoever is limited write as much into the log as it likes.
      if (accessLog !== 'off' && limited === undefined)
        log.info('request_refused', { request_id: requestId, client: peerAddress, reason: refusal, detail });
      return answer;
    },
  };
}
