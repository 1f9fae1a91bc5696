/** Every object that we hand to a cluster is one that Kubernetes knows, to the last field. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { type KubernetesObject, renderAll } from './rendered.ts';
import { ROOT } from './tools.ts';

const Model = z.instanceof(Function);
const Validated = z.looseObject({ validate: z.function() });

const rendered = renderAll();

/** `apps/v1`, `v1`, `networking.k8s.io/v1`: also the paths of the package. */
async function validate(object: KubernetesObject): Promise<void> {
  const module: unknown = await import(import.meta.resolve(`kubernetes-models/${object.apiVersion}`));
  const model = Model.parse(z.looseObject({}).parse(module)[object.kind], {
    error: () => `Kubernetes has no ${object.apiVersion} ${object.kind}`,
  });
  Validated.parse(Reflect.construct(model, [object])).validate();
}

/** What the compiler says of these objects as literals of the types of Kubernetes. */
function unknownFields(objects: readonly KubernetesObject[]): string {
  const folder = join(import.meta.dirname, 'node_modules/.check');
  const literals = objects.map(
    (object) =>
      `({ ${JSON.stringify(object).slice(1, -1)} }) satisfies import('kubernetes-models/${object.apiVersion}').I${object.kind};\n`,
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'objects.ts'), literals.join(''));
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--target',
    'esnext',
    '--module',
    'nodenext',
    '--types',
    '',
  ];
  const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), [...options, 'objects.ts', '--ignoreConfig'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return stdout;
}

describe('Kubernetes', () => {
  for (const { name, objects } of rendered) {
    for (const object of objects) {
      it(`takes ${object.kind} ${object.metadata.name} of ${name}`, () => validate(object));
    }
  }

  it('knows every field', () => {
    assert.equal(unknownFields(rendered.flatMap(({ objects }) => objects)), '');
  });

  it('would refuse a misspelt field and a wrong type', async () => {
    const object = rendered.flatMap(({ objects }) => objects).find(({ kind }) => kind === 'Deployment');
    assert.ok(object !== undefined);
    const misspelt = {
      ...object,
      spec: { selector: {}, template: { spec: { containers: [{ name: 'a', prots: [] }] } } },
    };
    assert.match(unknownFields([misspelt]), /'"prots"' does not exist/);
    await assert.rejects(validate({ ...object, spec: { replicas: 'two' } }), /data\/spec/);
  });
});
