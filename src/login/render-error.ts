/** A page for authorization requests that cannot be answered to their client. RFC 6749 §4.1.2.1. */
import { type Configuration, errors } from 'oidc-provider';
import { isDocumentId } from './clients/document-url.ts';
import { REQUEST_ID_FIELD } from './inject.ts';
import type { LoginOptions } from './options.ts';
import { clientDocumentPage } from './pages/client-document-page.ts';
import { invalidRequestPage } from './pages/invalid-request-page.ts';
import type { Frame, Page } from './pages/page.ts';
import { unknownClientPage } from './pages/unknown-client-page.ts';

export type RenderError = NonNullable<Configuration['renderError']>;

export function createRenderError({ title, logo }: LoginOptions): RenderError {
  return (context, { error, error_description: description }, cause) => {
    const reference = context.get(REQUEST_ID_FIELD);
    const frame = { title, logo, reference: reference === '' ? undefined : reference };
    const { status, fields, body } =
      clientPage(frame, cause, context.oidc?.params?.['client_id']) ??
      invalidRequestPage({ frame, error, description });
    context.status = status;
    for (let i = 0; i < fields.length; i += 2) context.set(fields[i] ?? '', fields[i + 1] ?? '');
    context.body = body;
  };
}

/** Undefined: the client is not what is wrong. */
function clientPage(frame: Frame, cause: Error, clientId: unknown): Page | undefined {
  if (!(cause instanceof errors.InvalidClient)) return undefined;
  const isDocument = typeof clientId === 'string' && isDocumentId(clientId);
  return isDocument ? clientDocumentPage({ frame, clientId, retryAfterSeconds: undefined }) : unknownClientPage(frame);
}
