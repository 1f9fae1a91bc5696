/** Requests and event streams of a server whose paths are others than those of its backend. MCP 2024-11-05, RFC 9110 §12.5.3. */
import { loggableUri } from '../lib/loggable-uri.ts';
import type { PathMap } from '../lib/path-map.ts';
import type { BodySink, FieldLines, RequestHead } from '../wire/exchange.ts';
import { isNamed } from '../wire/known-names.ts';
import { EndpointEvents, type EndpointFault } from './endpoint-events.ts';
import type { EventStream } from './event-stream.ts';
import type { FollowReference } from './mapped-references.ts';

export interface PathTranslation {
  /** The target, and of a request whose answer is looked at fields that ask for no coding. */
  toBackend(head: RequestHead): { readonly target: string; readonly fields: FieldLines };
  /** Whether the endpoint events of an event stream must be read. */
  readsEvents(head: RequestHead): boolean;
  /** What the backend is to write such a stream to. */
  watch(stream: EventStream, request: WatchedRequest): BodySink;
}

export interface WatchedRequest {
  readonly requestId: string;
  /** As the client sent it. */
  readonly target: string;
}

interface PathTranslationOptions {
  readonly paths: PathMap;
  readonly follow: FollowReference;
  /** A stream has ended because its client would have been sent to a place that is not this server. */
  onFault(fault: EndpointFault, where: { readonly requestId: string; readonly endpoint: string }): void;
}

/** Where both paths are the same, events are passed on unread. */
export function createPathTranslation({ paths, follow, onFault }: PathTranslationOptions): PathTranslation {
  const hasOtherPaths = paths.publicPath !== paths.backendPath;
  const readsEvents = ({ method }: RequestHead): boolean => hasOtherPaths && method === 'GET';
  return {
    readsEvents,
    toBackend: (head) => ({
      target: paths.toBackend(head.target),
      fields: readsEvents(head) ? [...withoutCodings(head.fields), 'Accept-Encoding', 'identity'] : head.fields,
    }),
    watch: (stream, { requestId, target }) =>
      new EndpointEvents({
        sink: stream,
        translate: (reference) => {
          const lead = follow(reference, target);
          return lead.to === 'server' ? { reference: lead.reference } : { fault: lead.to };
        },
        onFault: (fault, reference) => {
          onFault(fault, { requestId, endpoint: loggableUri(reference) });
          stream.cut();
        },
      }),
  };
}

function withoutCodings(fields: FieldLines): readonly string[] {
  return fields.filter((_, at) => !isNamed(fields[at - (at % 2)] ?? '', 'accept-encoding'));
}
