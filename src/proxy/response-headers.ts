/** The head that the client gets back: the backend's, byte for byte, but for what is said of or to others. RFC 9110 §7.6. */
import type { FieldLines, ResponseHead } from '../wire/exchange.ts';
import { keepToHost } from './cookie-domain.ts';
import { rememberByName } from './field-names.ts';
import { createPublicReferences, type PublicReferenceOptions } from './public-references.ts';
import { REFERENCES, type Treatment, treatmentOf } from './response-fields.ts';

/** Makes what goes on of the backend's fields, in interim (1xx) responses too, and behind it `ownFields`. */
export type FormatClientFields = (backendFields: FieldLines, ownFields?: FieldLines) => FieldLines;

const recallTreatment = rememberByName((name) => treatmentOf(name.toLowerCase()));

export function createClientHeaders(options: PublicReferenceOptions): FormatClientFields {
  const rewrite = createRewrite(options);
  return (backendFields, ownFields = []) => {
    const fields: string[] = [];
    for (let at = 0; at < backendFields.length; at += 2) {
      const name = backendFields[at] ?? '';
      const value = backendFields[at + 1] ?? '';
      const treatment = recallTreatment(name);
      if (treatment === 'pass') fields.push(name, value);
      else if (treatment !== 'drop') fields.push(name, rewrite(treatment, value));
    }
    for (const part of ownFields) fields.push(part);
    return fields;
  };
}

/** `ownFields` (request id, CORS) replace the backend's of the same kind. */
export function formatClientHead(
  head: ResponseHead,
  ownFields: FieldLines,
  formatFields: FormatClientFields,
): ResponseHead {
  return {
    status: head.status,
    reason: head.reason,
    fields: formatFields(head.fields, ownFields),
    length: head.length,
  };
}

function createRewrite(options: PublicReferenceOptions) {
  const toPublic = createPublicReferences(options);
  const { hostname } = options.publicUrl;
  const within = (_match: string, before: string, reference: string): string => before + toPublic(reference);
  return (treatment: Exclude<Treatment, 'pass' | 'drop'>, value: string): string => {
    switch (treatment) {
      case 'reference':
        return toPublic(value);
      case 'cookie':
        return keepToHost(value, hostname);
      case 'link':
      case 'refresh':
      case 'challenge':
        return value.replace(REFERENCES[treatment], within);
    }
  };
}
