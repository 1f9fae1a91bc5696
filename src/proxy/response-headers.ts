/** The head that the client gets back: the backend's, byte for byte, but for what is said of or to others. RFC 9110 §7.6. */
import type { FieldLines, ResponseHead } from '../wire/exchange.ts';
import { keepToHost } from './cookie-domain.ts';
import { rememberByName } from './field-names.ts';
import type { ToPublicReference } from './public-references.ts';
import { REFERENCES, type Treatment, treatmentOf } from './response-fields.ts';

export interface ClientHeaderOptions {
  /** The host that clients know; undefined = no cookies, since other servers have it too. */
  readonly publicHostname: string | undefined;
  /** A field with a reference that leads nowhere is dropped. */
  readonly toPublic: ToPublicReference;
  /** The same for where a challenge leads, which must lead somewhere. */
  readonly toMetadata: (reference: string, target: string) => string;
}

/**
 * Makes what goes on of the backend's fields, in interim (1xx) responses too, and behind it `ownFields`. `target` is that
 * of the request, as the client sent it.
 */
export type FormatClientFields = (backendFields: FieldLines, ownFields: FieldLines, target: string) => FieldLines;

const recallTreatment = rememberByName((name) => treatmentOf(name.toLowerCase()));

export function createClientHeaders(options: ClientHeaderOptions): FormatClientFields {
  const rewrite = createRewrite(options);
  return (backendFields, ownFields, target) => {
    const fields: string[] = [];
    for (let at = 0; at < backendFields.length; at += 2) {
      const name = backendFields[at] ?? '';
      const value = backendFields[at + 1] ?? '';
      const treatment = recallTreatment(name);
      if (treatment === 'pass') fields.push(name, value);
      else if (treatment !== 'drop') {
        const rewritten = rewrite(treatment, value, target);
        if (rewritten !== undefined) fields.push(name, rewritten);
      }
    }
    for (const part of ownFields) fields.push(part);
    return fields;
  };
}

/** What is added by Obex (request id, CORS) replaces the backend's of the same kind. `fields` are made of the head's. */
export function formatClientHead({ status, reason, length }: ResponseHead, fields: FieldLines): ResponseHead {
  return { status, reason, fields, length };
}

function createRewrite({ publicHostname, toPublic, toMetadata }: ClientHeaderOptions) {
  return (treatment: Exclude<Treatment, 'pass' | 'drop'>, value: string, target: string): string | undefined => {
    switch (treatment) {
      case 'reference':
        return toPublic(value, target);
      case 'cookie':
        return publicHostname === undefined ? undefined : keepToHost(value, publicHostname);
      case 'challenge':
        return value.replace(REFERENCES.challenge, (_match, before: string, reference: string) => {
          return before + toMetadata(reference, target);
        });
      case 'link':
      case 'refresh':
        return replaceAll(value, REFERENCES[treatment], (reference) => toPublic(reference, target));
    }
  };
}

/** Undefined if one of the references leads nowhere. */
function replaceAll(
  value: string,
  places: RegExp,
  translate: (reference: string) => string | undefined,
): string | undefined {
  let isWhole = true;
  const replaced = value.replace(places, (_match, before: string, reference: string) => {
    const translated = translate(reference);
    isWhole &&= translated !== undefined;
    return before + (translated ?? '');
  });
  return isWhole ? replaced : undefined;
}
