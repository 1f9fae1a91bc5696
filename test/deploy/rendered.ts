/** What a cluster is given: the folders of deploy/kubernetes and the chart with each of its example values, rendered. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { ROOT, run } from './tools.ts';

export const CHART = 'deploy/helm/obex';

const KubernetesObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});

export type KubernetesObject = z.output<typeof KubernetesObject>;

export interface Rendered {
  readonly name: string;
  readonly objects: readonly KubernetesObject[];
}

/** Every set, by the name of its folder or file of values. */
export function renderAll(): readonly Rendered[] {
  const folders = globSync('deploy/kubernetes/*/', { cwd: ROOT }).toSorted();
  const values = globSync(`${CHART}/ci/*.yaml`, { cwd: ROOT }).toSorted();
  assert.ok(folders.length > 1 && values.length > 3, 'the folders and values are where they were');
  return [
    ...folders.map((folder) => toRendered(folder, run('kubectl', 'kustomize', folder))),
    ...values.map((file) => toRendered(file, run('helm', 'template', 'my-tool', CHART, '--values', file))),
  ];
}

function toRendered(source: string, { status, stdout, stderr }: ReturnType<typeof run>): Rendered {
  assert.equal(status, 0, `${source}: ${stderr}`);
  // Kubernetes reads YAML 1.1.
  const documents = parseAllDocuments(stdout, { version: '1.1' });
  assert.ok(Array.isArray(documents));
  const objects = documents.map((document) => document.toJS()).filter((content) => content !== null);
  return { name: basename(join(source)), objects: objects.map((object) => KubernetesObject.parse(object)) };
}
