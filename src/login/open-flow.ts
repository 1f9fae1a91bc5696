/** A login that its browser carries and that has not ended, found again. RFC 9700 §4.7. */
import type { FieldLines } from '../wire/exchange.ts';
import { holdInteraction } from './carried-interaction.ts';
import { type ClientRequest, type Flow, readRequest } from './flow.ts';
import type { LoginParts } from './parts.ts';

export interface OpenFlow extends Flow {
  readonly flowId: string;
  /** Milliseconds of the wall clock. */
  readonly endsAtMs: number;
  readonly request: ClientRequest;
}

/** Undefined: this browser has none of this name, or no longer. */
export function findFlow(
  { cookies, ended }: Pick<LoginParts, 'cookies' | 'ended'>,
  fields: FieldLines,
  flowId: string | null,
): OpenFlow | undefined {
  const found = flowId === null || ended.has(flowId) ? undefined : cookies.flow.read(flowId, fields);
  const request = found && readRequest(found.value.interaction);
  if (flowId === null || found === undefined || request === undefined) return undefined;
  const { value, endsAtMs } = found;
  holdInteraction(flowId, value.interaction);
  return { ...value, flowId, endsAtMs, request };
}
