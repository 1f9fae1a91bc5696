/** Programs built from Go modules, with module and build cache in ours. */
import { join } from 'node:path';
import { CACHE, installOnce, runCommand } from './cache.ts';

export interface GoProgram {
  /** The name of the binary. */
  readonly name: string;
  /** The import path of its `main`, without version. */
  readonly path: string;
  readonly version: string;
  /** As in the program's own go.mod, which counts for nothing where the program is a dependency. */
  readonly replace?: readonly string[];
  readonly tags?: readonly string[];
}

/** Builds it, unless it is built already, and returns the path of the binary. */
export async function buildGoProgram(program: GoProgram): Promise<string> {
  const { name, path, version, replace = [], tags = [] } = program;
  const installed = await installOnce(`${name}-${version}`, async (folder) => {
    const run = (...args: readonly string[]): Promise<string> =>
      runCommand(['go', ...args], {
        cwd: folder,
        env: { GOPATH: join(CACHE, 'go'), GOMODCACHE: join(CACHE, 'go/mod'), GOCACHE: join(CACHE, 'go/build') },
      });
    await run('mod', 'init', 'obex-test-idps');
    for (const replacement of replace) await run('mod', 'edit', `-replace=${replacement}`);
    await run('get', '-tool', `${path}@${version}`);
    await run('build', '-tags', tags.join(','), '-o', name, path);
  });
  return join(installed, name);
}
