/** The demo's story, told and proved: every step shows its evidence, and the first one that fails ends it. */
import { Client } from '@modelcontextprotocol/client';
import { BrowserlessLogin } from './browserless-login.ts';
import { CLIENT_STEPS } from './client-steps.ts';
import { DISCOVERY_STEPS } from './discovery-steps.ts';
import { DPOP_STEPS } from './dpop-steps.ts';
import { LOGIN_STEPS } from './login-steps.ts';
import { REFUSAL_STEPS } from './refusal-steps.ts';
import type { Scene, Step } from './step.ts';

const STEPS: readonly Step[] = [...DISCOVERY_STEPS, ...CLIENT_STEPS, ...DPOP_STEPS, ...REFUSAL_STEPS, ...LOGIN_STEPS];

/** Plays every step; true when all held. */
export async function tellStory(
  scenery: Pick<Scene, 'stage' | 'loginStage' | 'turnstile'>,
  print: (text: string) => void,
): Promise<boolean> {
  const client = new Client({ name: 'obex-demo-client', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  const scene = { ...scenery, client, login: new BrowserlessLogin('obex demo --once') };
  try {
    for (const step of STEPS) if (!(await playStep(step, scene, print))) return false;
    return true;
  } finally {
    await client.close();
  }
}

async function playStep(step: Step, scene: Scene, print: (text: string) => void): Promise<boolean> {
  try {
    const evidence = await step.play(scene);
    print(`✓ ${step.title}\n${evidence.map((line) => `    ${line}\n`).join('')}`);
    return true;
  } catch (error) {
    print(`✗ ${step.title}\n    ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}
