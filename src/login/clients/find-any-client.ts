/** Clients of all kinds: configured, registered, and those whose id is the URL of a document. RFC 7591 §2. */
import { type DocumentHosts, parseDocumentUrl } from './document-url.ts';
import { type ClientMetadata, describeClient, type FindClient } from './find-client.ts';
import type { MetadataDocuments } from './metadata-documents.ts';
import type { RedirectPolicy } from './redirect-uris.ts';

export interface FindAnyClientOptions {
  /** Configured and registered ones. */
  readonly findClient: FindClient;
  readonly documents: MetadataDocuments;
  readonly hosts: DocumentHosts;
  readonly policy: RedirectPolicy;
}

/** As `FindClient`; rejects with ClientDocumentUnavailable when nobody can say. */
export type FindAnyClient = (clientId: string) => Promise<ClientMetadata | undefined>;

export function createFindAnyClient({ findClient, documents, hosts, policy }: FindAnyClientOptions): FindAnyClient {
  return async (clientId) => {
    const client = findClient(clientId);
    if (client !== undefined) return client;
    const url = parseDocumentUrl(clientId, hosts);
    const document = url && (await documents.find(url));
    if (document === undefined) return undefined;
    // A document is for all servers of the world, so it names more than this one allows.
    const redirectUris = document.redirectUris.filter((uri) => policy.isAllowed(uri));
    return describeClient({ clientId, clientSecret: undefined, redirectUris, name: document.name });
  };
}
