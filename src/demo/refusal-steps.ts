/** Last part of the story: genuine tokens that are not good enough, and what the MCP server saw. RFC 6750 §3.1, RFC 9068 §4. */
import assert from 'node:assert/strict';
import type { TokenRequest } from './identity-provider.ts';
import { challengeParameter, formatChallenges, postMessage, refusalReason } from './plain-request.ts';
import { OTHER_SCOPE, REQUIRED_SCOPE } from './stage.ts';
import type { Scene, Step } from './step.ts';

interface Refusal {
  readonly title: string;
  readonly token: TokenRequest;
  readonly status: number;
  readonly reason: string;
  readonly challengeError: string;
}

const REFUSALS: readonly Refusal[] = [
  {
    title: 'A token that was issued for another server is refused',
    token: { scope: REQUIRED_SCOPE, audience: 'https://other.example/mcp' },
    status: 401,
    reason: 'audience_mismatch',
    challengeError: 'invalid_token',
  },
  {
    title: 'An expired token is refused',
    token: { scope: REQUIRED_SCOPE, expiresIn: -60 },
    status: 401,
    reason: 'token_expired',
    challengeError: 'invalid_token',
  },
  {
    title: 'A token without the required scope is refused',
    token: { scope: OTHER_SCOPE },
    status: 403,
    reason: 'insufficient_scope',
    challengeError: 'insufficient_scope',
  },
];

export const REFUSAL_STEPS: readonly Step[] = [
  ...REFUSALS.map((refusal) => ({ title: refusal.title, play: (scene: Scene) => playRefusal(refusal, scene) })),
  { title: 'The MCP server saw no refused request and never a token', play: playRecord },
];

async function playRefusal(refusal: Refusal, { stage }: Scene): Promise<readonly string[]> {
  const seenBefore = stage.mcpServer.requests.length;
  const answer = await postMessage(stage.resource, await stage.idp.issueToken(refusal.token));
  assert.equal(answer.status, refusal.status);
  assert.equal(refusalReason(answer.body), refusal.reason);
  assert.equal(challengeParameter(answer.challenge, 'error'), refusal.challengeError);
  assert.equal(stage.mcpServer.requests.length, seenBefore, 'the refused request reached the MCP server');
  return [`${answer.status} ${answer.body}`, ...formatChallenges(answer.challenge)];
}

async function playRecord({ stage, login }: Scene): Promise<readonly string[]> {
  const { requests } = stage.mcpServer;
  const accessToken = login.tokens()?.access_token;
  assert.ok(requests.length > 0 && accessToken);
  for (const { target, fields } of requests) {
    const names = fields.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    assert.ok(!names.includes('authorization'), 'an Authorization field reached the MCP server');
    assert.ok(!names.includes('dpop'), 'a DPoP proof reached the MCP server');
    assert.ok(names.includes('x-obex-user'), 'a request without an identity reached the MCP server');
    assert.ok(![target, ...fields].some((text) => text.includes(accessToken)), 'the token reached the MCP server');
  }
  return [
    `${requests.length} requests, each vouched for by Obex; 0 with an Authorization or DPoP field; 0 with the token`,
  ];
}
