/** What paths may be mapped: rules between `resource.url` and a path in `backend.url`. RFC 3986 §3.3. */
import { isAmbiguousPath } from '../lib/ambiguous-path.ts';
import type { Draft } from './draft.ts';
import { read } from './read-value.ts';
import { sections } from './schema.ts';

const { shape } = sections;
const backendUrl = shape.backend.def.out.shape.url;
const resourceUrl = shape.resource.def.out.shape.url;

/** What Obex answers itself, whoever asks. */
const OWN_PATHS = ['/health', '/ready', '/metrics'];

export function checkPaths(draft: Draft): void {
  const backend = read(draft, ['backend', 'url'], backendUrl);
  const path = ['resource', 'url'];
  const resource = read(draft, path, resourceUrl);
  const isMapped = draft.isView || (backend !== undefined && backend.pathname !== '/');
  if (resource === undefined || !isMapped) return;
  const { pathname } = new URL(resource);
  if (isAmbiguousPath(pathname)) {
    draft.report(
      path,
      'has an empty segment, dots or an encoded slash in its path: with ' +
        (draft.isView ? 'servers' : 'a path in backend.url') +
        ' such requests are refused; write another path' +
        (draft.isView ? '' : ', or leave that of backend.url out'),
    );
  } else if (!draft.isView && OWN_PATHS.includes(pathname)) {
    draft.report(
      path,
      `has the path ${pathname}, which Obex answers itself, so that nothing reaches the server; choose another`,
    );
  }
}
