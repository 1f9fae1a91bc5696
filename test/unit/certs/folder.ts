/** A folder of certificate files, and `obex certs` at work in it at a time that the test chooses. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type MadePair, makeCertificate } from '../../../src/certs/make-certificate.ts';
import { runCerts } from '../../../src/commands/certs.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

export const DAY_MS = 24 * 60 * 60 * 1000;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class CertsFolder {
  readonly clock = new FakeClock();
  readonly path: string;

  constructor(context: TestContext) {
    const folder = createTempFolder('certs');
    context.after(() => folder.remove());
    this.path = folder.path;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  /** Certificate and key, as they are now. */
  pair(): MadePair {
    return { cert: this.read('server.crt'), key: this.read('server.key') };
  }

  privateKey(): KeyObject {
    return createPrivateKey(this.read('server.key'));
  }

  write({ cert, key }: Partial<MadePair>): void {
    if (cert !== undefined) writeFileSync(this.file('server.crt'), cert);
    if (key !== undefined) writeFileSync(this.file('server.key'), key, { mode: 0o644 });
  }

  /** Somebody's pair, valid from `from` to `to` days from now. */
  foreignPair({ from = -1, to = 365 }: { from?: number; to?: number } = {}): MadePair {
    return makeCertificate({
      commonName: 'tool.example',
      hosts: ['tool.example'],
      notBefore: new Date(this.clock.nowMs() + from * DAY_MS),
      notAfter: new Date(this.clock.nowMs() + to * DAY_MS),
    });
  }

  /** The folder's path reads `…` in what is said. */
  certs(env: Readonly<Record<string, string>>, dir = this.path, uid?: number): Outcome {
    const said = { stdout: '', stderr: '' };
    const code = runCerts({
      dir,
      uid,
      env,
      nowMs: this.clock.nowMs(),
      stdout: (text) => void (said.stdout += text.replaceAll(this.path, '…')),
      stderr: (text) => void (said.stderr += text.replaceAll(this.path, '…')),
    });
    return { code, ...said };
  }
}
