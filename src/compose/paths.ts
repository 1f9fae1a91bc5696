/** Config → where one server is for clients and at its backend, and what its URLs become. RFC 9110 §7.2, §10.2.2. */
import { pathMapOf } from '../config/path-map-of.ts';
import { clipEvidence } from '../observe/access-line.ts';
import { createFollowReference } from '../proxy/mapped-references.ts';
import { createPathTranslation, type PathTranslation } from '../proxy/path-translation.ts';
import { createPublicReferences, type PublicReferenceOptions } from '../proxy/public-references.ts';
import type { ClientHeaderOptions } from '../proxy/response-headers.ts';
import type { ServerConfig, ServerOptions } from './options.ts';
import { locateMetadata } from './resource.ts';

/** What clients type. */
export function resourceUrlOf({ resource }: Pick<ServerConfig, 'resource'>): URL {
  return new URL(resource.url);
}

/** Host for the backend. */
export function backendHostOf({ resource, backend }: Pick<ServerConfig, 'resource' | 'backend'>): string {
  if (backend.host === '') return backend.url.host;
  return backend.host === 'public' ? resourceUrlOf({ resource }).host : backend.host;
}

interface ReferenceParts extends ClientHeaderOptions {
  readonly paths: PathTranslation | undefined;
}

/** What becomes of URLs in requests and answers. */
export function buildReferences(options: ServerOptions): ReferenceParts {
  const { own } = options;
  const publicUrl = resourceUrlOf(own);
  const names: PublicReferenceOptions = { publicUrl, backendUrl: own.backend.url, backendHost: backendHostOf(own) };
  const publicHostname = own.name === undefined ? publicUrl.hostname : undefined;
  const paths = pathMapOf(own);
  if (paths === undefined) {
    const toPublic = createPublicReferences(names);
    return { publicHostname, toPublic, toMetadata: toPublic, paths };
  }
  const follow = createFollowReference({ ...names, paths });
  const metadataUrl = locateMetadata(options).href;
  return {
    publicHostname,
    toPublic: (reference, target) => {
      const lead = follow(reference, target);
      if (lead.to === 'server') return lead.reference;
      return lead.to === 'elsewhere' ? reference : undefined;
    },
    // The backend's own metadata are at no path of the server, and those of Obex are meant.
    toMetadata: (reference, target) => (follow(reference, target).to === 'elsewhere' ? reference : metadataUrl),
    paths: createPathTranslation({
      paths,
      follow,
      onFault: (reason, { requestId, endpoint }) =>
        options.observers.log.warn('endpoint_event_refused', {
          request_id: requestId,
          server: own.name,
          reason,
          endpoint: clipEvidence(endpoint),
        }),
    }),
  };
}
