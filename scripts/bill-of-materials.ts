/** What a release holds, as CycloneDX 1.5: npm packages in the bundles, Node, what Node was built with, Debian libraries. */
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { packageFolders } from './third-party-licenses.ts';

interface Component {
  readonly type: 'library' | 'application';
  readonly name: string;
  readonly version: string;
  /** https://github.com/package-url/purl-spec */
  readonly purl: string;
}

/** `inputs`: the files that went into the bundles, as esbuild names them; `libraries`: those that go with it for Node, by path. */
export function formatBillOfMaterials(inputs: readonly string[], libraries: readonly string[]): string {
  const { name, version } = manifestOf('.');
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { type: 'application', name, version, purl: `pkg:npm/${name}@${version}` } },
    components: [...npmPackages(inputs), ...nodeAndItsParts(), ...debianPackages(libraries)],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function npmPackages(inputs: readonly string[]): readonly Component[] {
  return packageFolders(inputs).map((folder) => {
    const { name, version } = manifestOf(folder);
    return { type: 'library', name, version, purl: `pkg:npm/${name.replace('@', '%40')}@${version}` };
  });
}

function manifestOf(folder: string): { readonly name: string; readonly version: string } {
  return JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
}

/** By Node's own account: V8, OpenSSL, and so on. */
function nodeAndItsParts(): readonly Component[] {
  return Object.entries(process.versions).flatMap(([name, version]) =>
    version === undefined || version === ''
      ? []
      : [{ type: name === 'node' ? 'application' : 'library', name, version, purl: `pkg:generic/${name}@${version}` }],
  );
}

function debianPackages(libraries: readonly string[]): readonly Component[] {
  if (libraries.length === 0) return [];
  // Whether dpkg knows them under /lib or /usr/lib differs between Debian releases.
  const patterns = libraries.map((library) => `*/${realpathSync(library).split('/').slice(-2).join('/')}`);
  const owners = execFileSync('dpkg-query', ['--search', ...patterns], { encoding: 'utf8' });
  const names = new Set([...owners.matchAll(/^([^:,\s]+)/gm)].map(([, name = '']) => name));
  return [...names].toSorted().map((name) => {
    const version = execFileSync('dpkg-query', ['--show', '--showformat=${Version}', name], { encoding: 'utf8' });
    return { type: 'library', name, version, purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}` };
  });
}
