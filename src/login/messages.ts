/** What the main thread and the login thread say to each other; plain data, in the order in which it was sent. */
import type { LogLevel } from '../observe/log.ts';
import type { LoginQuestion, LoginReply } from '../state/login-channel.ts';
import type { LoginCommand, LoginCommandOutcome } from '../state/login-control.ts';
import type { Revocation } from '../state/revoked-tokens.ts';
import type { LoginOptions } from './options.ts';

/** What the thread is born with, and told anew by a reload. */
export interface LoginOrders {
  readonly options: LoginOptions;
  readonly level: LogLevel;
}

export type ToLogin =
  | { readonly kind: 'ask'; readonly question: LoginQuestion }
  | { readonly kind: 'configure'; readonly orders: LoginOrders }
  | { readonly kind: 'command'; readonly id: number; readonly command: LoginCommand }
  /** Ends when what it has begun to write is written. */
  | { readonly kind: 'stop' };

export type FromLogin =
  /** It answers requests; keys have been sent before. */
  | { readonly kind: 'started' }
  | { readonly kind: 'configured' }
  /** Could not start, or not be configured. */
  | { readonly kind: 'refused'; readonly problem: string }
  /** All public keys, as JWKs; those that sign from now on among them. */
  | { readonly kind: 'keys'; readonly keys: readonly object[] }
  /** All tokens that are called back, by what they have in common; sent before the command that did it is answered. */
  | { readonly kind: 'revocations'; readonly revocations: readonly Revocation[] }
  | { readonly kind: 'reply'; readonly reply: LoginReply }
  | { readonly kind: 'commanded'; readonly id: number; readonly outcome: LoginCommandOutcome }
  /** Lines for standard output, whole ones. */
  | { readonly kind: 'lines'; readonly text: string };
