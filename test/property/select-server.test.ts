/** The selection of servers against one that goes by segments; and no way leads from a server's path to a backend path outside of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isAmbiguousPath } from '../../src/lib/ambiguous-path.ts';
import { createPathMap } from '../../src/lib/path-map.ts';
import { createSelectServer, type ServerPlace } from '../../src/server/select-server.ts';

const PUBLIC = new URL('https://tool.example.com');
const NUM_RUNS = 20_000;

const name = fc.constantFrom('a', 'b', 'sse', 'mcp', 'a.b', '%41');
const path = fc
  .tuple(fc.array(name, { maxLength: 3 }), fc.boolean())
  .map(([names, hasSlash]) => (names.length === 0 ? '/' : `/${names.join('/')}${hasSlash ? '/' : ''}`));
const piece = fc.constantFrom(
  '/',
  'a',
  'b',
  'sse',
  'mcp',
  '.',
  '..',
  '%2e',
  '%2E',
  '%2f',
  '%5c',
  '%41',
  ';',
  '%3b',
  '\\',
  'x',
);
const asked = fc.oneof(
  path,
  fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`),
);
const places = fc
  .uniqueArray(fc.tuple(path, path), { maxLength: 5, minLength: 1, selector: ([publicPath]) => publicPath })
  .map((pairs) =>
    pairs.map(([publicPath, backendPath]): ServerPlace<string> => {
      const resourceUrl = new URL(publicPath, PUBLIC);
      return { resourceUrl, paths: createPathMap(publicPath, backendPath), server: publicPath };
    }),
  );

/** Segment by segment, decoded by hand; the one with most segments in common. */
function selectBySegments(servers: readonly ServerPlace<string>[], target: string): string | undefined {
  const wanted = target.slice(1).split('/');
  const candidates = servers.flatMap(({ paths, server }, index) => {
    const folders: readonly (readonly [path: string, rank: number])[] = [
      [paths.publicPath, 1],
      ...(paths.servesMount ? [[paths.mount.publicFolder, 0] as const] : []),
    ];
    return folders.flatMap(([folder, rank]) => {
      const own = folder.slice(1).split('/');
      // A folder that is written with its slash has an empty last segment, which stands for anything, also for nothing.
      const endsInSlash = own.at(-1) === '';
      const fixed = endsInSlash ? own.slice(0, -1) : own;
      const fits =
        fixed.every((segment, at) => segment === wanted[at]) && (!endsInSlash || wanted.length >= own.length);
      return fits ? [{ server, length: folder.length, rank, index }] : [];
    });
  });
  const [best] = candidates.toSorted((a, b) => b.length - a.length || b.rank - a.rank || a.index - b.index);
  return best?.server;
}

function isAmbiguousBySegments(target: string): boolean {
  const segments = target.slice(1).split('/');
  return segments.some((segment, at) => {
    if (segment === '') return at < segments.length - 1;
    const decoded = segment.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (decoded.includes('/') || decoded.includes('\\')) return true;
    return ['.', '..'].includes(decoded.split(';')[0] ?? '');
  });
}

describe('the selection of servers', () => {
  it('is that of a reference which goes by segments', () => {
    fc.assert(
      fc.property(places, asked, (servers, target) => {
        assert.equal(isAmbiguousPath(target), isAmbiguousBySegments(target), target);
        if (isAmbiguousPath(target)) return;
        const select = createSelectServer(servers, PUBLIC);
        assert.equal(select('tool.example.com', target), selectBySegments(servers, target));
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('leads to paths of the backend that URL parsers leave as they are, and that lie below B or the mount', () => {
    fc.assert(
      fc.property(places, asked, ([one], target) => {
        if (one === undefined || isAmbiguousPath(target) || !one.paths.serves(target)) return;
        const { backendPath, mount, servesMount } = one.paths;
        const sent = one.paths.toBackend(target);
        assert.equal(new URL(`http://backend${sent}`).pathname, sent);
        const folder = servesMount ? mount.backendFolder : backendPath.replace(/\/$/, '');
        assert.ok(sent === backendPath || sent === folder || sent.startsWith(`${folder}/`), `${target} → ${sent}`);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('and the way back leads to paths of the same server, and from there to the same path of the backend', () => {
    fc.assert(
      fc.property(places, asked, ([one], found) => {
        const back = one?.paths.toPublic(found);
        if (one === undefined || back === undefined) return;
        assert.ok(one.paths.serves(back) && !isAmbiguousPath(back), `${found} → ${back}`);
        assert.equal(createSelectServer([one], PUBLIC)('', back), one.server);
        assert.equal(one.paths.toBackend(back).replace(/\/$/, ''), found.replace(/\/$/, ''));
      }),
      { numRuns: NUM_RUNS },
    );
  });
});
