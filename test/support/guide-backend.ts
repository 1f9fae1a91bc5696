/** A backend of docs/your-backend.md, run as it stands. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from './child.ts';
import { readFencedBlocks } from './fenced-blocks.ts';
import type { Cleanup } from './obex.ts';
import { createTempFolder } from './temp-folder.ts';
import { until } from './until.ts';

export interface GuideBackend {
  /** Of its block. */
  readonly language: string;
  readonly file: string;
  /** Makes the file in the folder ready, and says how it is run. */
  prepare(folder: string): { readonly command: string; readonly args: readonly string[] };
}

export interface GuideBackendPlace {
  /** The one that its block stands under. */
  readonly heading: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Resolves when it answers. */
export async function startGuideBackend(cleanup: Cleanup, backend: GuideBackend & GuideBackendPlace): Promise<void> {
  const { language, heading, file, port, env = {} } = backend;
  const blocks = readFencedBlocks('docs/your-backend.md').filter((each) => each.heading === heading);
  const [block, ...more] = blocks.filter((each) => each.language === language);
  assert.ok(block !== undefined && more.length === 0, `one block of ${language}`);
  const folder = createTempFolder('guide');
  cleanup.after(() => folder.remove());
  writeFileSync(join(folder.path, file), block.text);
  const child = startChild({ ...backend.prepare(folder.path), env: { PORT: String(port), ...env } });
  cleanup.after(async () => void (await child.stop()));
  await until(`${file} to listen`, async () => {
    if (child.exitStatus() !== undefined) throw new Error(child.stderr());
    return fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => undefined,
    );
  });
}
