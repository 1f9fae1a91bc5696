/** The backends of docs/your-backend.md that verify assertions in Python, Go and Java. RFC 7515 §5.2, RFC 7519 §7.2. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { before } from 'node:test';
import { describeAssertionBackend } from '../support/assertion-backend.ts';
import { requireDebianPackages } from '../support/debian-packages.ts';

before(() => requireDebianPackages());

describeAssertionBackend({
  language: 'python',
  file: 'backend.py',
  // Debian's own, for which its packages are.
  prepare: (folder) => ({ command: '/usr/bin/python3', args: [join(folder, 'backend.py')] }),
});

describeAssertionBackend({
  language: 'go',
  file: 'backend.go',
  prepare: (folder) => {
    execFileSync('/usr/bin/go', ['build', '-o', 'backend', 'backend.go'], { cwd: folder });
    return { command: join(folder, 'backend'), args: [] };
  },
});

describeAssertionBackend({
  language: 'java',
  file: 'Backend.java',
  prepare: (folder) => ({
    command: '/usr/bin/java',
    args: ['-cp', '/usr/share/java/gson.jar', join(folder, 'Backend.java')],
  }),
});
