/** A step of the demo's story, and the scene that all steps share. */
import type { Client } from '@modelcontextprotocol/client';
import type { BrowserlessLogin } from './browserless-login.ts';
import type { LoginStage } from './login-stage.ts';
import type { Stage } from './stage.ts';
import type { Turnstile } from './turnstile.ts';

export interface Scene {
  readonly stage: Stage;
  readonly loginStage: LoginStage;
  /** The MCP server passes it after each progress event. */
  readonly turnstile: Turnstile;
  readonly client: Client;
  readonly login: BrowserlessLogin;
}

export interface Step {
  readonly title: string;
  /** Throws when what Obex did is not what it promises; otherwise returns the evidence, line by line. */
  play(scene: Scene): Promise<readonly string[]>;
}
