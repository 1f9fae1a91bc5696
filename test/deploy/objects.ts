/** The fields of Kubernetes objects that the tests look at, and how to find the objects of a set. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Rendered } from './rendered.ts';

const Labels = z.record(z.string(), z.string());
const Port = z.looseObject({ name: z.string(), containerPort: z.number() });
const Probe = z.looseObject({
  httpGet: z.looseObject({ path: z.string(), port: z.string(), scheme: z.string().default('HTTP') }),
});

const Container = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()).default([]),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().default('') })).default([]),
  ports: z.array(Port).default([]),
  livenessProbe: z.unknown().optional(),
  readinessProbe: z.unknown().optional(),
  restartPolicy: z.string().optional(),
  lifecycle: z.looseObject({ preStop: z.looseObject({ sleep: z.looseObject({ seconds: z.number() }) }) }).optional(),
  securityContext: z.looseObject({}),
  resources: z.unknown().optional(),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).default([]),
});

const Volume = z.looseObject({
  name: z.string(),
  configMap: z.looseObject({ name: z.string() }).optional(),
  secret: z.looseObject({ secretName: z.string(), defaultMode: z.number() }).optional(),
});

const Deployment = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    replicas: z.number().optional(),
    selector: z.looseObject({ matchLabels: Labels }),
    template: z.looseObject({
      metadata: z.looseObject({ labels: Labels }),
      spec: z.looseObject({
        enableServiceLinks: z.boolean(),
        terminationGracePeriodSeconds: z.number().default(30),
        securityContext: z.looseObject({}),
        initContainers: z.array(Container).default([]),
        containers: z.array(Container),
        volumes: z.array(Volume),
      }),
    }),
  }),
});

const Service = z.looseObject({
  spec: z.looseObject({
    selector: Labels,
    ports: z.array(z.looseObject({ port: z.number(), targetPort: z.string(), appProtocol: z.string().optional() })),
  }),
});

const NetworkPolicy = z.looseObject({
  spec: z.looseObject({
    podSelector: z.looseObject({ matchLabels: Labels }),
    policyTypes: z.array(z.string()),
    ingress: z.array(
      z.looseObject({ ports: z.array(z.looseObject({ port: z.string() })), from: z.array(z.unknown()).optional() }),
    ),
  }),
});

const Autoscaler = z.looseObject({
  spec: z.looseObject({
    scaleTargetRef: z.looseObject({ apiVersion: z.string(), kind: z.string(), name: z.string() }),
    minReplicas: z.number(),
    maxReplicas: z.number(),
    metrics: z.array(z.looseObject({ containerResource: z.looseObject({ container: z.string(), name: z.string() }) })),
  }),
});

const Budget = z.looseObject({
  spec: z.looseObject({ selector: z.looseObject({ matchLabels: Labels }) }),
});

const ConfigMap = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  data: z.record(z.string(), z.string()),
});

export type Deployment = z.output<typeof Deployment>;
export type Container = z.output<typeof Container>;

type Finder<T> = (set: Rendered) => readonly T[];

function finder<T>(kind: string, schema: z.ZodType<T>): Finder<T> {
  return (set) => set.objects.filter((object) => object.kind === kind).map((object) => schema.parse(object));
}

export const deploymentsOf = finder('Deployment', Deployment);
export const servicesOf = finder('Service', Service);
export const policiesOf = finder('NetworkPolicy', NetworkPolicy);
export const autoscalersOf = finder('HorizontalPodAutoscaler', Autoscaler);
export const budgetsOf = finder('PodDisruptionBudget', Budget);
export const configMapsOf = finder('ConfigMap', ConfigMap);

/** Those of the pod, in the order of their start. */
export function containersOf({ spec }: Deployment): readonly Container[] {
  return [...spec.template.spec.initContainers, ...spec.template.spec.containers];
}

export function containerNamed(deployment: Deployment, name: string): Container {
  const found = containersOf(deployment).find((container) => container.name === name);
  assert.ok(found !== undefined, `${deployment.metadata.name} has no container ${name}`);
  return found;
}

/** The Deployment that Obex runs in. */
export function obexOf(set: Rendered): Deployment {
  const [found, ...others] = deploymentsOf(set).filter((deployment) =>
    containersOf(deployment).some(({ name }) => name === 'obex'),
  );
  assert.ok(found !== undefined && others.length === 0, `${set.name} runs Obex once`);
  return found;
}

export function probePath(probe: unknown): string {
  const { path, port, scheme } = Probe.parse(probe).httpGet;
  return `${scheme} ${port} ${path}`;
}
