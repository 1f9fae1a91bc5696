/** What must fit together: ports, probes, drain and grace period, users, policies, secrets; for every set of manifests. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  autoscalersOf,
  budgetsOf,
  containerNamed,
  containersOf,
  deploymentsOf,
  obexOf,
  policiesOf,
  probePath,
  servicesOf,
} from './objects.ts';
import { podConfig } from './pod-config.ts';
import { type Rendered, renderAll } from './rendered.ts';
import { ROOT } from './tools.ts';

const OBEX_USER = 65_532;
const docs = readFileSync(join(ROOT, 'docs/kubernetes.md'), 'utf8');

function portOf(listen: object): number {
  return 'port' in listen && typeof listen.port === 'number'
    ? listen.port
    : assert.fail(`${JSON.stringify(listen)} has no port`);
}

function describeSet(set: Rendered): void {
  const deployment = obexOf(set);
  const pod = deployment.spec.template.spec;
  const obex = containerNamed(deployment, 'obex');
  const { config, phase, files, check } = podConfig(set);
  const scheme = config.obex.tls.enabled ? 'HTTPS' : 'HTTP';
  const server = containersOf(deployment).find(({ name }) => name === 'mcp-server');

  it('obex check has nothing against the configuration', () => {
    assert.equal(check.status, 0, check.output);
    assert.match(check.output, new RegExp(`^phase: ${phase} `, 'm'));
    const warnings = check.output.split('\n').filter((line) => line.startsWith('warning: '));
    // TLS may end in front of Obex, the certificate is not on this machine, and phase 1 is meant.
    const expected = [
      ...(config.obex.tls.enabled ? [/^warning: on this machine, /] : [/^warning: obex\.listen: plain http/]),
      ...(phase === 1 ? [/^warning: PHASE 1: OBEX AUTHENTICATES NOBODY/] : []),
    ];
    for (const pattern of expected)
      assert.ok(
        warnings.some((warning) => pattern.test(warning)),
        check.output,
      );
    const others = warnings.filter((warning) => !expected.some((pattern) => pattern.test(warning)));
    assert.deepEqual(others, []);
  });

  it('the ports of the container are those that Obex listens on', () => {
    assert.ok(config.metrics.listen !== undefined);
    assert.deepEqual(
      obex.ports.map(({ name, containerPort }) => [name, containerPort]),
      [
        ['obex', portOf(config.obex.listen)],
        ['metrics', portOf(config.metrics.listen)],
      ],
    );
  });

  it('probes ask /health and /ready where Obex answers them', () => {
    assert.equal(probePath(obex.livenessProbe), `${scheme} obex /health`);
    assert.equal(probePath(obex.readinessProbe), `${scheme} obex /ready`);
  });

  it('the Service leads to Obex', () => {
    const [service, ...others] = servicesOf(set).filter(({ spec }) => selects(spec.selector));
    assert.deepEqual(others, []);
    assert.deepEqual(
      service?.spec.ports.map(({ targetPort, appProtocol }) => [targetPort, appProtocol]),
      [['obex', scheme.toLowerCase()]],
    );
  });

  it('the network policy opens the ports of Obex alone', () => {
    const [policy, ...others] = policiesOf(set).filter(({ spec }) => selects(spec.podSelector.matchLabels));
    assert.deepEqual(others, []);
    assert.deepEqual(policy?.spec.policyTypes, ['Ingress']);
    const [clients, ...scrapers] = policy?.spec.ingress ?? [];
    assert.deepEqual(
      clients?.ports.map(({ port }) => port),
      ['obex'],
    );
    for (const scraper of scrapers) {
      assert.deepEqual(
        scraper.ports.map(({ port }) => port),
        ['metrics'],
      );
      assert.ok((scraper.from ?? []).length > 0, 'metrics are not for everybody');
    }
  });

  it('the pod is given more time than Obex takes to drain, and the MCP server outlives it', () => {
    const drain = (config.limits.drain_delay + config.limits.drain_timeout) / 1000;
    assert.ok(config.limits.drain_delay >= 5_000, 'load balancers need time to notice');
    assert.ok(pod.terminationGracePeriodSeconds > drain, `${pod.terminationGracePeriodSeconds} > ${drain}`);
    assert.equal(obex.lifecycle, undefined, 'a preStop of Obex would only put off its drain');
    if (server === undefined) return;
    assert.equal(config.servers[0].backend.url.hostname, 'localhost');
    if (server.restartPolicy === 'Always') return assert.ok(pod.initContainers.includes(server));
    const sleep = server.lifecycle?.preStop.sleep.seconds ?? 0;
    assert.ok(sleep > drain, `${sleep} > ${drain}`);
    assert.ok(pod.terminationGracePeriodSeconds > sleep, `${pod.terminationGracePeriodSeconds} > ${sleep}`);
  });

  it('Obex runs as its own user, with nothing it does not need', () => {
    assert.deepEqual(pod.securityContext, {
      runAsNonRoot: true,
      runAsUser: OBEX_USER,
      runAsGroup: OBEX_USER,
      fsGroup: OBEX_USER,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    assert.equal(pod.enableServiceLinks, false);
  });

  it('every container is confined', () => {
    const confined = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };
    for (const container of deploymentsOf(set).flatMap(containersOf)) {
      const { runAsUser: _, ...context } = container.securityContext;
      assert.deepEqual(context, confined, container.name);
    }
  });

  it('files that the configuration names are mounted, and secrets readable by the group alone', () => {
    const mounts = obex.volumeMounts.map(({ mountPath }) => `${mountPath}/`);
    assert.deepEqual(
      files.filter((file) => !mounts.some((mount) => file.startsWith(mount))),
      [],
    );
    for (const { name, secret } of pod.volumes) assert.equal(secret?.defaultMode ?? 0o440, 0o440, name);
  });

  it('more than one replica shares what phase 3 must share', () => {
    const [autoscaler] = autoscalersOf(set);
    if (phase < 3 || (autoscaler?.spec.maxReplicas ?? deployment.spec.replicas) === 1) return;
    assert.equal(config.dpop.replay_cache.backend, 'redis');
    assert.notEqual(config.dpop.nonce_secret, undefined);
  });

  it('the autoscaler scales this Deployment, which names no number itself', () => {
    for (const { spec } of autoscalersOf(set)) {
      assert.deepEqual(spec.scaleTargetRef, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        name: deployment.metadata.name,
      });
      assert.ok(spec.maxReplicas > spec.minReplicas);
      assert.equal(deployment.spec.replicas, undefined);
      for (const { containerResource } of spec.metrics) {
        assert.equal(containerResource.name, 'cpu');
        assert.match(
          JSON.stringify(containerNamed(deployment, containerResource.container).resources),
          /"requests":\{"cpu"/,
        );
      }
    }
  });

  it('selectors select', () => {
    assert.ok(selects(deployment.spec.selector.matchLabels));
    for (const { spec } of budgetsOf(set)) assert.ok(selects(spec.selector.matchLabels));
  });

  function selects(selector: Readonly<Record<string, string>>): boolean {
    const { labels } = deployment.spec.template.metadata;
    return Object.entries(selector).every(([name, value]) => labels[name] === value);
  }
}

const sets = renderAll();

for (const set of sets) describe(`deploy: ${set.name}`, () => describeSet(set));

describe('docs/kubernetes.md', () => {
  it('makes every key of every secret that the manifests mount', () => {
    const created = [...docs.matchAll(/kubectl create secret generic (\S+)((?:[^`]|`(?!``))*?)\n(?=kubectl|```)/g)].map(
      ([, name = '', options = '']) =>
        [name, [...options.matchAll(/--from-\w+=([\w.-]+)=/g)].map(([, key]) => key)] as const,
    );
    const keys = new Set(created.flatMap(([name, those]) => those.map((key) => `${name}/${key}`)));
    const wanted = sets
      .filter(({ name }) => !name.endsWith('-values.yaml'))
      .flatMap((set) => podConfig(set).files.map((file) => file.replace('/etc/obex/secrets/', 'my-tool-obex/')));
    assert.ok(wanted.length > 2);
    assert.deepEqual(
      [...wanted, 'my-tool-redis/users.acl'].filter((key) => !keys.has(key)),
      [],
    );
  });
});
