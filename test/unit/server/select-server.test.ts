/** Which server a request is for: by the raw path, the longest wins, nothing is decoded; and by the authority that it names. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAmbiguousPath } from '../../../src/lib/ambiguous-path.ts';
import { createPathMap } from '../../../src/lib/path-map.ts';
import { createSelectServer, type ServerPlace } from '../../../src/server/select-server.ts';

const PUBLIC = 'https://tool.example.com';

function place(server: string, url: string, backendPath: string): ServerPlace<string> {
  const resourceUrl = new URL(url, PUBLIC);
  return { resourceUrl, paths: createPathMap(resourceUrl.pathname, backendPath), server };
}

const PLACES: readonly ServerPlace<string>[] = [
  place('crm', '/crm/sse', '/sse'),
  place('files', '/files/mcp', '/mcp/'),
  place('archive', '/files/mcp/archive', '/archive'),
  place('old', '/crm/old', '/inner'),
  place('slash', '/s/', '/mcp'),
  place('twin', '/twin/mcp', '/twin/mcp'),
  place('docs', 'https://docs.example.com/', '/mcp'),
  place('ports', 'https://ports.example.com:8443/mcp', '/mcp'),
];

const select = createSelectServer(PLACES, new URL(PUBLIC));

function selected(authority: string, path: string): string {
  return isAmbiguousPath(path) ? '400' : (select(authority, path) ?? '404');
}

/** Paths under the public authority, by whose they are. */
const TABLE: Readonly<Record<string, string>> = {
  crm: `/crm/sse /crm/sse/ /crm/sse/x /crm/sse/x/y /crm/sse/x/y/ /crm/sse/old /crm/sse/%20 /crm/sse/%73 /crm/sse/; /crm/sse/;a=b
    /crm /crm/ /crm/messages /crm/messages/ /crm/messages/1 /crm/x /crm/crm /crm/crm/sse /crm/files/mcp /crm/sse2 /crm/ssex/y
    /crm/SSE /crm/%73se /crm/ss%65 /crm/sse; /crm/sse;x /crm/sse;x=1/y /crm/sse%3b /crm/sse. /crm/sse.. /crm/sse... /crm/.sse
    /crm/..sse /crm/... /crm/.../sse /crm/sse@ /crm/sse: /crm/sse, /crm/sse! /crm/sse$ /crm/sse& /crm/sse' /crm/sse( /crm/sse*
    /crm/sse+ /crm/sse= /crm/sse~ /crm/sse_ /crm/sse- /crm/sse| /crm/sse^ /crm/sse[] /crm/sse{} /crm/sse%00 /crm/sse%0d%0a
    /crm/sse%20 /crm/sse%25 /crm/sse%252f /crm/sse%252e%252e /crm/sse/%252e%252e/x /crm/oldx /crm/ol /crm/old%20 /crm/OLD
    /crm/%6fld /crm/old; /crm/.well-known/x /crm/health /crm/ready /crm/metrics /crm/oauth/token /crm/%e2%80%a8 /crm/%c0%ae%c0%ae`,
  old: `/crm/old /crm/old/ /crm/old/x /crm/old/sse /crm/old/crm/sse /crm/old/old /crm/old/x/y/z /crm/old/%20 /crm/old/; /crm/old/;x
    /crm/old/... /crm/old/.x /crm/old/x. /crm/old/%25 /crm/old/messages /crm/old/messages/`,
  files: `/files/mcp /files/mcp/ /files/mcp/x /files/mcp/archivex /files/mcp/archiv /files/mcp/ARCHIVE /files/mcp/%61rchive
    /files/mcp/archive; /files/mcp/x/archive /files/mcp/archive%20 /files/mcp/mcp /files /files/ /files/x /files/mcpx /files/mc
    /files/mcp; /files/MCP /files/%6dcp /files/messages /files/files/mcp /files/x/mcp /files/archive /files/mcp.json
    /files/mcp-2 /files/mcp_ /files/mcp/.x /files/mcp/x..`,
  archive: `/files/mcp/archive /files/mcp/archive/ /files/mcp/archive/x /files/mcp/archive/x/y /files/mcp/archive/archive
    /files/mcp/archive/mcp /files/mcp/archive/; /files/mcp/archive/... /files/mcp/archive/%20`,
  slash: '/s/ /s/x /s/x/ /s/s/ /s/mcp /s/%20 /s/;x /s/crm/sse /s/... /s/.s',
  twin: '/twin/mcp /twin/mcp/ /twin/mcp/x /twin/mcp/twin/mcp /twin/mcp/;x /twin/mcp/%2520',
  404: `/ /s /S/ /s; /sx /sx/ /s%20/ /%73/ /twin /twin/ /twin/x /twin/mcpx /twin/MCP /twin/messages /twi /twin; /Twin/mcp
    /crmx /crmx/sse /crm2/sse /cr /cr/m /CRM /CRM/sse /Crm/sse /%63rm /%63rm/sse /crm;/sse /crm;x/sse /crm. /crm.. /crm...
    /crm%20/sse /crm%3b/sse /crm@/sse /x/crm /x/crm/sse /sse /sse/ /messages /messages/ /mcp /mcp/ /inner /filesx /FILES/mcp
    /file /file/s/mcp /files;/mcp /x/files/mcp /archive /old /docs /docs/ /ports /favicon.ico /robots.txt /index.html /.x /x.
    /... /.../ /;/ /; /;.. /;/crm/sse /@ /: /~ /%20 /%25 /%00 /%252e%252e/crm/sse /.well-known/x
    /.well-known/oauth-authorization-server /.well-known/oauth-protected-resource/other /oauth/token /register /token /authorize
    /admin /debug /admin/crm/sse /health/ /ready/ /metrics/ /healthz`,
};

/** A segment that two servers could read differently, at the places where it could do harm. */
const SEGMENTS =
  '.. . %2e %2E %2e%2e %2E%2E .%2e %2e. .%2E ..; ..;x ..;x=1 .; .;x %2e; %2e%2e;x ..%3b ..%3Bx %2e%2e%3bx'.split(' ');
const PLACES_OF_SEGMENTS = ['/*', '/*/crm/sse', '/crm/*', '/crm/*/sse', '/crm/sse/*', '/crm/sse/*/', '/x/*/crm/sse'];
const AMBIGUOUS = `// //crm/sse //evil.example/crm/sse /crm// /crm//sse /crm/sse// /crm/sse//x /x//crm/sse /crm/sse///
  /crm%2fsse /crm%2Fsse /crm/sse%2f /crm/sse%2f.. /crm/sse/..%2fx /%2fcrm/sse /crm%5csse /crm/sse%5C..%5Cx /crm\\sse /\\crm/sse
  /%2f /%5c /crm/sse/%2f%2fevil.example /x%2fy`;

const rows: readonly (readonly [expected: string, path: string])[] = [
  ...Object.entries({ ...TABLE, 400: AMBIGUOUS }).flatMap(([expected, paths]) =>
    paths.split(/\s+/).map((path) => [expected, path] as const),
  ),
  ...PLACES_OF_SEGMENTS.flatMap((where) => SEGMENTS.map((segment) => ['400', where.replace('*', segment)] as const)),
];

describe('createSelectServer', () => {
  it('has a table of more than 300 different paths', () => {
    const paths = rows.map(([, path]) => path);
    assert.equal(new Set(paths).size, paths.length);
    assert.ok(paths.length > 300, `${paths.length}`);
  });

  for (const [expected, path] of rows)
    it(`${path} → ${expected}`, () => assert.equal(selected('tool.example.com', path), expected));

  it('by another authority, in any case, with or without the default port', () => {
    for (const authority of ['docs.example.com', 'DOCS.example.com', 'docs.example.com:443'])
      for (const path of ['/', '/crm/sse', '/x']) assert.equal(select(authority, path), 'docs', authority + path);
    assert.equal(select('ports.example.com:8443', '/mcp/x'), 'ports');
    assert.equal(select('ports.example.com:8443', '/crm/sse'), undefined);
  });

  it('an authority that no server claims reaches those of the public URL', () => {
    for (const authority of [
      '',
      'localhost:8443',
      '10.0.0.1',
      'ports.example.com',
      'docs.example.com:8443',
      'docs.example.com.',
    ])
      assert.equal(select(authority, '/crm/sse'), 'crm', authority);
    assert.equal(createSelectServer(PLACES, new URL('https://nobody.example'))('x', '/crm/sse'), undefined);
  });

  it('a path that is the mount of one server and the resource of another is the resource', () => {
    const both = [place('mounted', '/a/sse', '/sse'), place('own', '/a', '/b')];
    for (const places of [both, both.toReversed()]) {
      assert.equal(createSelectServer(places, new URL(PUBLIC))('', '/a/messages'), 'own');
      assert.equal(createSelectServer(places, new URL(PUBLIC))('', '/a/sse/x'), 'mounted');
    }
  });
});
