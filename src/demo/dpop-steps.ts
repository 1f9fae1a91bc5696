/** Third part of the story: a token that is bound to a key is worth nothing without that key. RFC 9449 §5, §7, §11.1. */
import assert from 'node:assert/strict';
import { calculateThumbprint, generateKeyPair } from 'dpop';
import { BoundClient, type ProvenAnswer, type ProvenRequest } from './bound-client.ts';
import { formatBasic } from './identity-provider.ts';
import { CALL_WHOAMI, challengeParameter, MESSAGE_HEADERS, postMessage, refusalReason } from './plain-request.ts';
import { REQUIRED_SCOPE, type Stage } from './stage.ts';
import type { Step } from './step.ts';

export const DPOP_STEPS: readonly Step[] = [
  {
    title: 'DPoP: a token that is bound to a key works with a proof by that key, once, and never without one',
    async play({ stage }) {
      const demands: string[] = [];
      const keys = await generateKeyPair('ES256');
      const client = new BoundClient({ keys, onNonceDemand: (origin) => demands.push(origin) });
      const accessToken = await fetchBoundToken(client, stage);
      assert.deepEqual(demands, [stage.idp.issuer]);

      const request = formatCall(stage.resource, accessToken);
      const accepted = await client.post(request);
      assert.equal(accepted.status, 200);
      assert.match(accepted.body, /x-obex-dpop-bound: true/);
      const seen = stage.mcpServer.requests.length;

      const replayed = await client.postWith(accepted.proof, request);
      assertRefusal(replayed, 'dpop_replayed', 'invalid_dpop_proof');
      const unproven = await postMessage(stage.resource, accessToken);
      assert.deepEqual([unproven.status, refusalReason(unproven.body)], [401, 'missing_dpop']);
      assert.equal(stage.mcpServer.requests.length, seen, 'a refused request reached the MCP server');
      return [
        `the key          → ${await calculateThumbprint(keys.publicKey)}, which the token names in cnf.jkt`,
        `with a proof     → ${accepted.status}, x-obex-dpop-bound: true`,
        `the proof again  → ${replayed.status} ${replayed.body}`,
        `without a proof  → ${unproven.status} ${unproven.body}`,
      ];
    },
  },
];

/** RFC 9449 §5: whoever asks with a proof gets a token that is bound to its key. */
async function fetchBoundToken(client: BoundClient, { idp, resource }: Stage): Promise<string> {
  const { status, body } = await client.post({
    url: idp.tokenEndpoint,
    headers: { Authorization: formatBasic(idp.client), 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: REQUIRED_SCOPE }).toString(),
  });
  const answer: unknown = JSON.parse(body);
  assert.equal(status, 200, body);
  assert.ok(typeof answer === 'object' && answer !== null && 'token_type' in answer && 'access_token' in answer);
  assert.equal(answer.token_type, 'DPoP');
  return String(answer.access_token);
}

function formatCall(url: string, accessToken: string): ProvenRequest {
  return { url, headers: { ...MESSAGE_HEADERS, Authorization: `DPoP ${accessToken}` }, body: CALL_WHOAMI, accessToken };
}

function assertRefusal({ status, headers, body }: ProvenAnswer, reason: string, error: string): void {
  assert.deepEqual([status, refusalReason(body)], [401, reason]);
  assert.equal(challengeParameter(headers.get('www-authenticate') ?? '', 'error'), error);
}
