/** The backend in Node of docs/your-backend.md that verifies assertions; those in other languages: test/peers. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describeAssertionBackend } from '../support/assertion-backend.ts';

const PACKAGES = join(import.meta.dirname, '../../node_modules');

describeAssertionBackend({
  language: 'js',
  file: 'backend.mjs',
  prepare: (folder) => {
    symlinkSync(PACKAGES, join(folder, 'node_modules'));
    return { command: process.execPath, args: [join(folder, 'backend.mjs')] };
  },
});
