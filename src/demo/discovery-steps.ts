/** First part of the story: from a refused request to the IdP, by what the answers say alone. RFC 9728 §5, RFC 8414 §3. */
import assert from 'node:assert/strict';
import { challengeParameter, fetchMetadata, formatChallenges, postMessage } from './plain-request.ts';
import { REQUIRED_SCOPE } from './stage.ts';
import type { Step } from './step.ts';

export const DISCOVERY_STEPS: readonly Step[] = [
  {
    title: 'A request without a token is refused',
    async play({ stage }) {
      const answer = await postMessage(stage.resource, undefined);
      assert.equal(answer.status, 401);
      assert.equal(answer.body, '{"error":"unauthorized","reason":"no_token"}');
      assert.equal(challengeParameter(answer.challenge, 'scope'), REQUIRED_SCOPE);
      return [`POST ${stage.resource}`, `401 ${answer.body}`, ...formatChallenges(answer.challenge)];
    },
  },
  {
    title: 'The challenge of that refusal leads to the IdP',
    async play({ stage }) {
      const { challenge } = await postMessage(stage.resource, undefined);
      const metadataUrl = challengeParameter(challenge, 'resource_metadata') ?? '';
      const metadata = await fetchMetadata(metadataUrl);
      assert.equal(metadata['resource'], stage.resource);
      assert.deepEqual(metadata['authorization_servers'], [stage.idp.issuer]);

      const issuerMetadata = await fetchMetadata(`${stage.idp.issuer}/.well-known/oauth-authorization-server`);
      assert.equal(issuerMetadata['issuer'], stage.idp.issuer);
      return [
        `resource_metadata     → ${metadataUrl}`,
        `authorization_servers → ${stage.idp.issuer}`,
        `token_endpoint        → ${String(issuerMetadata['token_endpoint'])}`,
      ];
    },
  },
];
