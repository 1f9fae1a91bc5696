/** The life of a request: route, authenticate, authorize, forward. Every way out of it is an answer. */
import type { Admission } from '../gate/authenticate.ts';
import { type Denial, isDenied } from '../oauth/denial.ts';
import type { Observers } from '../observe/observers.ts';
import { isForThisHop } from '../proxy/max-forwards.ts';
import type { Exchange } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import { METHODS } from './cors.ts';
import { isExempt } from './endpoint.ts';
import { respondPreflight } from './preflight.ts';
import { RequestLife } from './request-life.ts';
import { respondDenial, respondInternalError, respondWith } from './respond.ts';
import type { BackendRoute, Route } from './route.ts';
import type { Server } from './server.ts';
import type { Service } from './service.ts';

/** `current` is asked once for each request, so that a request keeps the configuration that it began with. */
export function createHandle(current: () => Service, observers: Observers): (exchange: Exchange) => void {
  return (exchange) => {
    const life = new RequestLife(exchange, current(), observers);
    try {
      route(life);
    } catch (error) {
      respondInternalError(life, error);
    }
  };
}

function route(life: RequestLife): void {
  const selected = life.service.selectRoute(life.exchange);
  const limited = isCharged(selected) ? life.service.chargeClient(life.clientAddress.key) : undefined;
  if (isDenied(selected)) return respondDenial(life, selected);
  if (limited !== undefined) return respondDenial(life, limited);
  switch (selected.kind) {
    case 'endpoint':
      life.isQuiet = selected.endpoint.isQuiet;
      return selected.endpoint.respond(life);
    case 'preflight':
      return respondPreflight(life);
    case 'backend':
      life.server = selected.server;
      return authenticate(life, selected);
  }
}

/** Authentication charges by itself; probes and the metadata are free. */
function isCharged(selected: Route | Denial): boolean {
  if (isDenied(selected)) return true;
  switch (selected.kind) {
    case 'endpoint':
      return !isExempt(selected.endpoint);
    case 'preflight':
      return !selected.isExempt;
    case 'backend':
      return false;
  }
}

function authenticate(life: RequestLife, { server, withoutToken }: BackendRoute): void {
  const { method, target, fields } = life.exchange.head;
  const proceed = (outcome: Admission | Denial): void => {
    if (!isDenied(outcome)) return pass(life, server, outcome);
    respondDenial(life, outcome.reason === 'no_token' ? (withoutToken ?? outcome) : outcome);
  };
  const outcome = server.authenticate({
    method,
    target,
    authorization: fieldValues(fields, 'authorization'),
    dpop: fieldValues(fields, 'dpop'),
    clientKey: life.clientAddress.key,
    sender: life,
  });
  if (outcome instanceof Promise) outcome.then(proceed).catch((error: unknown) => respondInternalError(life, error));
  else proceed(outcome);
}

function pass(life: RequestLife, server: Server, { principal, responseFields }: Admission): void {
  if (life.isOver) return;
  life.admit(principal, responseFields);
  const denial = server.authorize(principal);
  if (denial !== undefined) return respondDenial(life, denial);
  if (isForThisHop(life.exchange.head)) return respondWith(life, 204, { fields: ['Allow', METHODS], body: '' });
  const forwarding = server.forwarder.forward(life);
  // Refused and over before there was anybody to tell: nobody will end it any more.
  if (life.isOver) forwarding?.end();
  else life.forwarding = forwarding;
}
