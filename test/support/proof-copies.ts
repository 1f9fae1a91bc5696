/** One client with a bound token of the development IdP, who sends one proof many times at once, over connections opened before. */
import { generateKeyPair, generateProof } from 'dpop';
import { BoundClient } from '../../src/demo/bound-client.ts';
import {
  type DevelopmentIdentityProvider,
  formatBasic,
  startDevelopmentIdentityProvider,
} from '../../src/demo/identity-provider.ts';
import { parseObject } from './json.ts';
import { openRaw } from './raw-http.ts';

export const RESOURCE = 'https://tool.example/mcp';
export const SCOPE = 'mcp:tools';

export interface Copier {
  readonly idp: DevelopmentIdentityProvider;
  /** Sends one new proof `count` times, evenly to all ports; returns the answers: 200, or the reason of the refusal. */
  sendCopies(ports: readonly number[], count: number): Promise<readonly (number | string)[]>;
  /** Makes one proof; each call of what is returned sends it once. */
  makeCopy(): Promise<(port: number) => Promise<number | string>>;
  stop(): Promise<void>;
}

export async function startCopier(): Promise<Copier> {
  const idp = await startDevelopmentIdentityProvider({ resource: RESOURCE, scopes: [SCOPE] });
  const keys = await generateKeyPair('ES256');
  const { status, body } = await new BoundClient({ keys }).post({
    url: idp.tokenEndpoint,
    headers: { Authorization: formatBasic(idp.client), 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: RESOURCE, scope: SCOPE }).toString(),
  });
  if (status !== 200) throw new Error(`the development IdP refused a token: ${body}`);
  const accessToken = String(parseObject(body)['access_token']);
  const makeRequest = async (): Promise<string> => {
    const proof = await generateProof(keys, RESOURCE, 'GET', undefined, accessToken);
    return `GET /mcp HTTP/1.1\r\nHost: tool.example\r\nAuthorization: DPoP ${accessToken}\r\nDPoP: ${proof}\r\n\r\n`;
  };
  const send = async (ports: readonly number[], make: () => string | Promise<string>): Promise<(number | string)[]> => {
    const clients = await Promise.all(ports.map((port) => openRaw(port)));
    try {
      const request = await make();
      for (const client of clients) void client.send(request);
      const answers = await Promise.all(clients.map((client) => client.readResponse()));
      return answers.map((answer) =>
        answer.status === 200 ? 200 : String(parseObject(answer.body.toString())['reason']),
      );
    } finally {
      for (const client of clients) client.destroy();
    }
  };
  return {
    idp,
    stop: () => idp.stop(),
    sendCopies: (ports, count) => {
      const copies = Array.from({ length: count }, (_, index) => ports[index % ports.length] ?? 0);
      return send(copies, makeRequest);
    },
    makeCopy: async () => {
      const request = await makeRequest();
      return async (port) => (await send([port], () => request))[0] ?? '';
    },
  };
}

export function countSuccesses(answers: readonly (number | string)[]): number {
  return answers.filter((answer) => answer === 200).length;
}
