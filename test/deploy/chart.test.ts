/** The chart as helm sees it: lint, notes, and values that it refuses instead of installing something that fails later. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { describe, it } from 'node:test';
import { CHART } from './rendered.ts';
import { ROOT, run } from './tools.ts';

const examples = globSync(`${CHART}/ci/*.yaml`, { cwd: ROOT }).toSorted();
const PHASE_2 = `${CHART}/ci/phase-2-sidecar-values.yaml`;
const PHASE_3 = `${CHART}/ci/phase-3-replicas-values.yaml`;

function lint(...options: readonly string[]): string {
  const { status, stdout, stderr } = run('helm', 'lint', '--strict', CHART, ...options);
  return `${status} ${stdout}${stderr}`;
}

/** The first line of what helm says against it; empty when it renders. */
function refusal(values: string, ...sets: readonly string[]): string {
  const options = sets.flatMap((set) => ['--set', set]);
  const { status, stderr } = run('helm', 'template', 'my-tool', CHART, '--values', values, ...options);
  return status === 0 ? '' : stderr;
}

function notes(values: string): string {
  const { stdout } = run('helm', 'install', 'my-tool', CHART, '--dry-run=client', '--values', values);
  return stdout.slice(stdout.indexOf('NOTES:'));
}

describe('the chart', () => {
  for (const values of examples) {
    it(`passes helm lint with ${values}`, () => assert.match(lint('--values', values), /^0 .*1 chart\(s\) linted, 0/s));
  }

  it('says which values are required', () => {
    const { status, stderr } = run('helm', 'template', 'my-tool', CHART);
    assert.equal(status, 1);
    assert.match(stderr, /config\.obex\.public_url is required/);
  });

  it('prints whose tokens are wanted, or that nobody is authenticated', () => {
    assert.match(notes(PHASE_2), /^Phase 2: every request needs a token of https:\/\/auth\.your-company\.com\/\.$/m);
    assert.match(notes(`${CHART}/ci/phase-1-remote-values.yaml`), /^PHASE 1: OBEX AUTHENTICATES NOBODY\./m);
  });

  it('gives a changed configuration a new pod template', () => {
    const checksum = (...options: readonly string[]): string =>
      /checksum\/config: (\w+)/.exec(
        run('helm', 'template', 'x', CHART, '--values', PHASE_2, ...options).stdout,
      )?.[1] ?? '';
    assert.match(checksum(), /^[0-9a-f]{64}$/);
    assert.notEqual(checksum(), checksum('--set', 'config.log.level=debug'));
  });
});

describe('the chart refuses', () => {
  const refused = [
    { what: 'an unknown value', set: 'replica=2', says: /additional properties 'replica' not allowed/ },
    { what: 'an unknown section', set: 'config.ipd.issuer=x', says: /additional properties 'ipd' not allowed/ },
    { what: 'an empty idp, which must not become phase 1', set: 'config.idp=null', says: /'\/config\/idp': got null/ },
    {
      what: 'an unknown key of a section',
      set: 'config.idp.issuers=x',
      says: /additional properties 'issuers' not allowed/,
    },
    {
      what: 'a value that Obex would refuse',
      set: 'config.limits.read_timeout=ten',
      says: /'\/config\/limits\/read_timeout'/,
    },
    {
      what: 'a credential in the ConfigMap',
      set: 'config.backend.headers.X-API-Key=hunter2',
      says: /config\.backend\.headers\.X-API-Key would stand in a ConfigMap: write X-API-Key_file/,
    },
    {
      what: 'a nonce secret in the ConfigMap',
      set: 'config.dpop.nonce_secret=0123456789abcdef0123456789abcdef',
      says: /config\.dpop\.nonce_secret would stand in a ConfigMap: write config\.dpop\.nonce_secret_file/,
    },
    {
      what: 'a password of Redis in the ConfigMap',
      set: 'config.dpop.replay_cache.redis.url=redis://:hunter2@redis',
      says: /config\.dpop\.replay_cache\.redis\.url would stand in a ConfigMap/,
    },
    {
      what: 'a client secret in the ConfigMap',
      set: 'config.idp.introspection.client_secret=hunter2',
      says: /config\.idp\.introspection\.client_secret would stand in a ConfigMap: write config\.idp\.introspection\.client_secret_file/,
    },
    {
      what: 'a client secret of another issuer in the ConfigMap',
      set: 'config.idp.additional_issuers[0].introspection.client_secret=hunter2',
      says: /config\.idp\.additional_issuers\[0\]\.introspection\.client_secret would stand in a ConfigMap/,
    },
    { what: 'a privileged port', set: 'port=443', says: /'\/port': minimum: got 443/ },
    { what: 'a digest that is none', set: 'image.digest=latest', says: /'\/image\/digest'/ },
    {
      what: 'config.obex.listen',
      set: 'config.obex.listen=:1',
      says: /config\.obex\.listen is set by the chart: use the value port/,
    },
    { what: 'config.obex.tls', set: 'config.obex.tls.enabled=true', says: /use the value tls\.existingSecret/ },
    {
      what: 'config.limits.drain_delay',
      set: 'config.limits.drain_delay=1s',
      says: /use the value drain\.delaySeconds/,
    },
    {
      what: 'config.limits.drain_timeout',
      set: 'config.limits.drain_timeout=1s',
      says: /use the value drain\.timeoutSeconds/,
    },
    { what: 'config.metrics.listen', set: 'config.metrics.listen=:1', says: /use the value metricsPort/ },
    {
      what: 'replicas that forget each other’s proofs',
      set: 'config.dpop.replay_cache.backend=memory',
      says: /set config\.dpop\.replay_cache\.backend to redis/,
    },
    {
      what: 'replicas that reject each other’s nonces',
      set: 'config.dpop.nonce_secret_file=',
      says: /set config\.dpop\.nonce_secret_file/,
    },
    {
      what: 'replicas that sign with different keys',
      set: 'config.backend.assertion.enabled=true',
      says: /set config\.backend\.assertion\.key_file/,
    },
    {
      what: 'a secret that replicas share, in the clear',
      set: 'config.obex.secret=0123456789abcdef0123456789abcdef',
      says: /config\.obex\.secret would stand in a ConfigMap: write config\.obex\.secret_file/,
    },
  ];
  for (const { what, set, says } of refused) {
    it(what, () => assert.match(refusal(PHASE_3, set), says));
  }

  it('no header that is no credential, and none that comes from a variable', () => {
    const headers = ['config.backend.headers.X-Region=eu', 'config.backend.headers.X-API-Key=${API_KEY}'];
    assert.equal(refusal(PHASE_3, ...headers), '');
  });

  it('no replicas that derive the key of their nonces from one secret', () => {
    const shared = ['config.dpop.nonce_secret_file=', 'config.obex.secret_file=/etc/obex/secrets/secret'];
    assert.equal(refusal(PHASE_3, ...shared), '');
  });

  it('nothing of that in one replica', () => {
    const alone = [
      'autoscaling.enabled=false',
      'replicas=1',
      'config.dpop.replay_cache.backend=memory',
      'config.dpop.nonce_secret_file=',
    ];
    assert.equal(refusal(PHASE_3, ...alone), '');
  });
});
