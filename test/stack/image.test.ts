/** The container image: what is in it, as whom it runs, how large it is. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { createGzip } from 'node:zlib';
import { parseObject } from '../support/json.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { untilStatus } from './compose-stack.ts';
import { docker, IMAGE, requireDocker, tryDocker } from './docker.ts';

const CONFIG = `obex:
  public_url: "http://localhost:8443"
backend:
  url: "http://localhost:9090"
resource:
  url: "http://localhost:8443/mcp"
`;

before(requireDocker);

describe('the image', () => {
  it('runs with one file mounted, as UID 65532, on a read-only root, without any capability', async (t) => {
    const folder = createTempFolder('image');
    const file = path.join(folder.path, 'obex.yaml');
    writeFileSync(file, CONFIG);
    const hardened = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
    const mount = ['--volume', `${file}:/etc/obex/obex.yaml:ro`, '--publish', '127.0.0.1:8443:8443'];
    const id = await docker(['run', '--detach', ...hardened, ...mount, IMAGE]);
    t.after(async () => {
      await docker(['rm', '--force', id]);
      folder.remove();
    });

    await untilStatus('http://localhost:8443/health', 200);

    assert.equal(await docker(['inspect', '--format', '{{.Config.User}}', id]), '65532:65532');
    assert.match(await docker(['top', id, '-o', 'pid,uid']), /\s65532$/);
    await until('its HEALTHCHECK', async () => {
      const health = await docker(['inspect', '--format', '{{.State.Health.Status}}', id]);
      return health === 'healthy' || undefined;
    });
    const stopped = await docker(['stop', '-t', '20', id]);
    assert.equal(stopped, id);
    assert.equal(await docker(['inspect', '--format', '{{.State.ExitCode}}', id]), '0', 'SIGTERM drains');
  });

  it('has no shell and no package manager, and says why it refuses the demo', async () => {
    for (const program of ['/bin/sh', '/bin/bash', '/usr/local/bin/npm']) {
      const { code, output } = await tryDocker(['run', '--rm', '--entrypoint', program, IMAGE]);
      assert.notEqual(code, 0);
      assert.match(output, /no such file or directory|not found/);
    }
    const { code, output } = await tryDocker(['run', '--rm', IMAGE, 'demo']);
    assert.equal(code, 2);
    assert.match(output, /the demo is no part of this installation/);
  });

  it('carries labels, licenses and a bill of materials that names Node, OpenSSL, zod and the C library', async (t) => {
    const labels = parseObject(await docker(['inspect', '--format', '{{json .Config.Labels}}', IMAGE]));
    assert.equal(labels['org.opencontainers.image.title'], 'obex');
    assert.equal(labels['org.opencontainers.image.licenses'], 'Apache-2.0');
    const id = await docker(['create', IMAGE]);
    t.after(() => docker(['rm', id]));
    const folder = createTempFolder('documents');
    t.after(() => folder.remove());
    await docker(['cp', `${id}:/usr/share/doc/obex/sbom.cdx.json`, folder.path]);
    const bill = await import(path.join(folder.path, 'sbom.cdx.json'), { with: { type: 'json' } });
    const names = JSON.stringify(bill);
    for (const part of ['"node"', '"openssl"', '"zod"', '"libc6"']) assert.ok(names.includes(part), part);
  });

  it('is as large as docs/stack.md says', async (t) => {
    const unpacked = Number(await docker(['inspect', '--format', '{{.Size}}', IMAGE]));
    const compressed = await compressedSize();
    t.diagnostic(`${megabytes(unpacked)} unpacked, ${megabytes(compressed)} compressed`);
    assert.ok(unpacked < 135e6 && compressed < 50e6);
  });
});

/** What a registry would keep and a node pull: the layers, by gzip. */
async function compressedSize(): Promise<number> {
  const save = spawn('docker', ['save', IMAGE], { stdio: ['ignore', 'pipe', 'inherit'] });
  let size = 0;
  for await (const chunk of save.stdout.pipe(createGzip())) size += Buffer.byteLength(chunk);
  return size;
}

function megabytes(size: number): string {
  return `${(size / 1e6).toFixed(1)} MB`;
}
