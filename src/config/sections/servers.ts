/** The section of the config for several servers behind one Obex. Its entries hold sections that stand at the top level otherwise. */
import { leaf, optional } from '../leaf.ts';

/** What each server has of its own; all other sections are shared. */
export const SERVER_SECTIONS = ['resource', 'backend', 'authz', 'limits'] as const;

/** What a server may limit by itself. The rest is about connections, which are nobody's. */
export const SERVER_LIMITS = [
  'max_request_body',
  'max_requests_per_principal',
  'max_streams_per_principal',
  'rate_limit',
] as const;

/** Part of paths, log lines and metrics. */
export const SERVER_NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** As written: the loader reads each entry as the sections that it stands for. */
export const serversSection = optional(
  leaf<unknown>(
    {
      kind: 'map',
      json: { type: 'object' },
      optional: true,
      meaning:
        'Several MCP servers behind one Obex, by name (`[a-z][a-z0-9-]{0,62}`), in place of `backend` and `resource` ' +
        '(docs/servers.md). Each has `backend` and `resource` of its own (`resource.url` is `obex.public_url` + `/NAME/mcp` where it ' +
        'is absent), and in `authz` and `limits` (`max_request_body`, `rate_limit`, `max_requests_per_principal`, ' +
        '`max_streams_per_principal`) what it has otherwise than the others: key by key, lists as a whole.',
    },
    (value) => value,
  ),
);
