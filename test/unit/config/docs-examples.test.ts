/** The documentation of the config: docs/configuration.md is what the schema says, and every example loads. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseDocument } from 'yaml';
import { CHART_SCHEMA, renderChartSchema } from '../../../scripts/write-chart-schema.ts';
import { CONFIGURATION_DOCS, renderConfigurationDocs } from '../../../scripts/write-configuration-docs.ts';
import { formatProblem, loadConfig } from '../../../src/config/load.ts';
import { sections } from '../../../src/config/schema.ts';
import { type FencedBlock, readFencedBlocks } from '../../support/fenced-blocks.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SECTIONS = new Set(Object.keys(sections.shape));

/** Sections that an example may leave out because it is about others; `idp` because `dpop` and `authz` need it. */
const REST: Readonly<Record<string, string>> = {
  obex: 'obex: { public_url: "https://my-tool.example.com" }\n',
  backend: 'backend: { url: "http://localhost:9090" }\n',
  resource: 'resource: { url: "https://my-tool.example.com/mcp" }\n',
  idp: 'idp: { issuer: "https://auth.your-company.com/" }\n',
};

const blocks = globSync(['README.md', 'docs/**/*.md'], { cwd: ROOT }).toSorted().flatMap(readFencedBlocks);

/** Blocks of other programs' YAML have other keys at the top; "```yaml fragment" is too small a part to load. */
const examples = blocks.filter(({ language, note, text }) => {
  if (!/^ya?ml$/.test(language) || note !== '') return false;
  const keys = topLevelKeys(text);
  return keys.length > 0 && keys.every((key) => SECTIONS.has(key));
});

function topLevelKeys(yaml: string): readonly string[] {
  const document: unknown = parseDocument(yaml).toJS();
  return typeof document === 'object' && document !== null ? Object.keys(document) : [];
}

const isComplete = ({ text }: FencedBlock): boolean => topLevelKeys(text).includes('obex');

/** A config with `obex` in it is complete as it stands; any other gets the sections that it does not show. */
function complete(example: FencedBlock): string {
  const shown = topLevelKeys(example.text);
  const rest = Object.entries(REST).filter(([section]) => !isComplete(example) && !shown.includes(section));
  return [example.text, ...rest.map(([, text]) => text)].join('');
}

describe('the values.schema.json of the chart', () => {
  it('is up to date: make docs', () =>
    assert.deepEqual(JSON.parse(readFileSync(CHART_SCHEMA, 'utf8')), JSON.parse(renderChartSchema())));
});

describe('docs/configuration.md', () => {
  it('is up to date: node scripts/write-configuration-docs.ts', () => {
    assert.equal(readFileSync(CONFIGURATION_DOCS, 'utf8'), renderConfigurationDocs());
  });

  it('has complete examples', () => {
    const own = examples.filter(({ place }) => place.startsWith('docs/configuration.md'));
    assert.ok(own.filter(isComplete).length >= 3);
  });
});

describe('configs in README.md and docs', () => {
  it('are complete, and parts of one', () => {
    assert.ok(examples.filter(isComplete).length >= 8);
    assert.ok(examples.filter((example) => !isComplete(example)).length >= 6);
  });

  for (const example of examples) {
    it(`${example.place} loads`, () => {
      const variables = [...example.text.matchAll(/\$\{([A-Za-z_]\w*)/g)].map(([, name = '']) => [name, 'some-value']);
      const loaded = loadConfig({
        file: example.place,
        text: complete(example),
        env: Object.fromEntries(variables),
        readFile: () => 'the-content-of-a-secret-file-32b',
      });
      assert.deepEqual('problems' in loaded ? loaded.problems.map(formatProblem) : [], []);
    });
  }
});
