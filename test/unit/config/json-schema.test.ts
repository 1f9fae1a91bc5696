/** The JSON Schema says what the loader says: about samples, layouts, twins and unknown keys. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { runSchema } from '../../../src/commands/schema.ts';
import { LEAVES, LIST_ITEM } from '../../../src/config/catalogue.ts';
import { isRecord, valueAt } from '../../../src/config/path.ts';
import { minimal, minimalIdp } from './loading.ts';
import { matches } from './matches-schema.ts';

const printed: string[] = [];
const exitCode = runSchema((text) => printed.push(text));
const schema: unknown = JSON.parse(printed.join(''));
const passes = (yaml: string): boolean => matches(parse(yaml), schema, schema);
const SAMPLES = join(import.meta.dirname, '../../support/samples');

describe('obex schema', () => {
  it('prints JSON Schema draft 2020-12 and ends with 0', () => {
    assert.equal(exitCode, 0);
    assert.equal(valueAt(schema, ['$schema']), 'https://json-schema.org/draft/2020-12/schema');
  });

  for (const sample of readdirSync(SAMPLES)) {
    it(`accepts ${sample}`, () => assert.ok(passes(readFileSync(join(SAMPLES, sample), 'utf8'))));
  }

  it('has every key, described, and lets no other in', () => {
    for (const { path } of LEAVES) {
      const steps = path.flatMap((key) => (key === LIST_ITEM ? ['items'] : ['properties', key]));
      const found = valueAt(schema, steps);
      assert.ok(isRecord(found) && typeof found['description'] === 'string', path.join('.'));
      assert.equal(valueAt(schema, [...steps.slice(0, -2), 'additionalProperties']), false, path.join('.'));
    }
  });

  it('accepts servers in place of backend and resource, with what is theirs and nothing else', () => {
    const several = (server: string, more = ''): string =>
      `obex: { public_url: "https://a" }\nservers: { crm: { ${server} } }\n${more}`;
    const backend = 'backend: { url: "http://b" }';
    assert.ok(passes(several(`${backend}, resource: { audiences: [a] }, limits: { max_request_body: 1kB }`)));
    assert.ok(!passes(several('resource: {}')));
    assert.ok(!passes(several(`${backend}, cors: {}`)));
    assert.ok(!passes(several(`${backend}, limits: { read_timeout: 1s }`)));
    assert.ok(!passes(several(backend, `${backend}\n`)));
  });

  it('accepts sections nested under obex, and each in one place only', () => {
    const nested =
      'obex: { public_url: "https://a", backend: { url: "http://b" }, resource: { url: "https://a/mcp" }, log: {} }\n';
    assert.ok(passes(nested));
    assert.ok(!passes(`${nested}backend: { url: "http://b" }\n`));
    assert.ok(!passes(`${nested}log: {}\n`));
  });

  it('accepts a section without keys, but for idp', () => {
    assert.ok(passes(minimal('log:\nlimits:\n')));
    assert.ok(!passes(minimal('idp:\n')));
  });

  it('accepts variables, <key>_file and headers of any name', () => {
    assert.ok(passes(minimalIdp('  accepted_algorithms: "${ALGORITHMS:-RS256}"\n')));
    const more =
      'authz: {}\ndpop: { enabled: "${D:-false}", nonce_secret_file: /n, replay_cache: { redis: { url_file: /r } } }\n';
    assert.ok(
      passes(minimalIdp(more).replace('backend:\n', 'backend:\n  headers: { A_file: /a }\n  timeout: "${T}"\n')),
    );
  });

  const wrong: Readonly<Record<string, string>> = {
    'a missing section': 'obex: { public_url: "https://a" }\nbackend: { url: "http://b" }\n',
    'a missing key': minimal('idp: { clock_skew: 1s }\n'),
    'an unknown key': minimal('log: { levle: info }\n'),
    'an unknown section': minimal('logs: {}\n'),
    'a wrong word': minimal('log: { level: loud }\n'),
    'a duration without unit': minimal('limits: { read_timeout: 10 }\n'),
    'a size without unit': minimal('limits: { max_request_body: "10" }\n'),
    'a number out of range': minimal('limits: { max_connections: 0 }\n'),
    'a wrong algorithm': minimalIdp('  accepted_algorithms: [none]\n'),
    'a text for a list': minimalIdp('  accepted_algorithms: RS256\n'),
  };
  for (const [name, yaml] of Object.entries(wrong)) {
    it(`refuses ${name}`, () => assert.ok(!passes(yaml)));
  }
});
