/** Writes the part of the chart's values.schema.json that is the configuration, from the schema. `node scripts/write-chart-schema.ts` */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SECTION_NAMES } from '../src/config/catalogue.ts';
import { buildJsonSchema } from '../src/config/json-schema.ts';
import { isRecord, valueAt } from '../src/config/path.ts';

export const CHART_SCHEMA = join(import.meta.dirname, '../deploy/helm/obex/values.schema.json');

/** The whole file, unformatted, with `config` as the schema has it now: every key and value, but nothing required, which templates tell better. */
export function renderChartSchema(): string {
  const file: unknown = JSON.parse(readFileSync(CHART_SCHEMA, 'utf8'));
  const config = valueAt(file, ['properties', 'config']);
  const sections = valueAt(buildJsonSchema(), ['properties']);
  if (!isRecord(config) || !isRecord(sections)) throw new Error('values.schema.json has no properties.config');
  config['properties'] = Object.fromEntries(SECTION_NAMES.map((name) => [name, relax(sections[name])]));
  return JSON.stringify(file);
}

/** A copy without what nested sections under `obex` would need, and without `required`. */
function relax(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(relax);
  if (!isRecord(schema)) return schema;
  const kept = Object.entries(schema).filter(
    ([key, value]) => key !== 'required' && !isReference(value) && !isChoiceOfRequired(value),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, relax(value)]));
}

/** A secret, or the file that holds it. */
function isChoiceOfRequired(value: unknown): boolean {
  return Array.isArray(value) && value.some((choice) => isRecord(choice) && Object.keys(choice).join() === 'required');
}

function isReference(value: unknown): boolean {
  return isRecord(value) && typeof value['$ref'] === 'string';
}

if (import.meta.main) writeFileSync(CHART_SCHEMA, renderChartSchema());
